/** Redis addresses: what is read from them, and that nothing is passed over in silence. */
import t from 'tap';
import { parseRedisUrl } from '../../../src/store/redis/redis-url.js';

const PLAIN = { tls: false, host: 'redis.local', port: 6379, username: '', password: '', database: 0 };

t.test('an address is read whole', async (t) => {
  for (const [text, expected] of [
    ['redis://redis.local', PLAIN],
    ['redis://redis.local/', PLAIN],
    ['rediss://redis.local', { ...PLAIN, tls: true }],
    ['REDISS://redis.local', { ...PLAIN, tls: true }],
    ['redis://redis.local:7000/3', { ...PLAIN, port: 7000, database: 3 }],
    ['redis://:p%40ss%2F@redis.local', { ...PLAIN, password: 'p@ss/' }],
    ['redis://me:secret@redis.local', { ...PLAIN, username: 'me', password: 'secret' }],
    ['redis://me@redis.local', { ...PLAIN, username: 'me' }],
    ['redis://10.0.0.1', { ...PLAIN, host: '10.0.0.1' }],
    ['redis://[::1]:7000', { ...PLAIN, host: '::1', port: 7000 }],
    ['redis://my_redis', { ...PLAIN, host: 'my_redis' }],
  ] as const) {
    t.strictSame(parseRedisUrl(text), expected, text);
  }
});

t.test('what would be passed over, or into the client, is refused', async (t) => {
  for (const text of [
    'redis://h?keyPrefix=x:',
    'redis://h?db=3',
    'redis://h?monitor=true',
    'redis://h?family=6',
    'redis://h?',
    'redis://h/3?tls=true',
    'redis://h#3',
    'redis://h#',
    'redis://h/key',
    'redis://h/3/',
    'redis://h//3',
    'redis://h/-1',
    'redis://h/1.5',
    'redis://h/1234567890',
    'redis://h/%33',
    'redis://h:0',
    'redis://h:65536',
    'redis://a,b:6379',
    'redis://a:1,b:2',
    'redis://%2Ftmp%2Fredis.sock',
    'redis:///tmp/redis.sock',
    'redis:/h',
    'redis:h',
    'redis://',
    'redis://:secret@',
    'redis://me:%zz@h',
    'redis://%zz@h',
    ' redis://h',
    'redis://h ',
    'redis://h\n/3',
    'unix:///tmp/redis.sock',
    'https://h',
    '//h',
    'h:6379',
    '6379',
    '',
  ]) {
    t.equal(parseRedisUrl(text), undefined, JSON.stringify(text));
  }
});
