/** Requests whose end can be read in two ways, with a request for a number hidden where one of the readings has a body. */
import { requestBytes } from './raw-connection.js';

export const HIDDEN = requestBytes('GET', '/next');

/** Headers, and what comes behind them. */
export const FRAMES: Readonly<Record<string, readonly [headers: readonly string[], rest: string]>> = {
  'a short length before a long one': [
    ['Content-Length: 5', `Content-Length: ${5 + HIDDEN.length}`],
    `hello${HIDDEN}`,
  ],
  'a long length before a short one': [
    [`Content-Length: ${5 + HIDDEN.length}`, 'Content-Length: 5'],
    `hello${HIDDEN}`,
  ],
  'no length before a long one': [['Content-Length: 0', `Content-Length: ${HIDDEN.length}`], HIDDEN],
  'two equal lengths': [['Content-Length: 5', 'Content-Length: 5'], `hello${HIDDEN}`],
  'an empty length': [['Content-Length:'], HIDDEN],
  'an empty length before a full one': [['Content-Length: ', `Content-Length: ${HIDDEN.length}`], HIDDEN],
  'a full length before an empty one': [['Content-Length: 5', 'Content-Length:'], `hello${HIDDEN}`],
  'a length that is a list': [['Content-Length: 5, 5'], `hello${HIDDEN}`],
  'a length with a sign': [['Content-Length: +5'], `hello${HIDDEN}`],
  'a length with a blank': [['Content-Length: 5 0'], `hello${HIDDEN}`],
  'a length of letters': [['Content-Length: x'], HIDDEN],
  'a length in hexadecimal': [['Content-Length: 0x5'], `hello${HIDDEN}`],
  'an endless length': [['Content-Length: 18446744073709551617'], HIDDEN],
  'length and chunks': [['Content-Length: 5', 'Transfer-Encoding: chunked'], `0\r\n\r\n${HIDDEN}`],
  'chunks and length': [
    ['Transfer-Encoding: chunked', `Content-Length: ${HIDDEN.length + 5}`],
    `0\r\n\r\n${HIDDEN}`,
  ],
  'an empty coding and a length': [['Transfer-Encoding:', `Content-Length: ${HIDDEN.length}`], HIDDEN],
  'a coding and an empty length': [['Transfer-Encoding: chunked', 'Content-Length:'], `0\r\n\r\n${HIDDEN}`],
  'an empty coding before chunked': [
    ['Transfer-Encoding:', 'Transfer-Encoding: chunked'],
    `\r\n\r\n${HIDDEN}`,
  ],
  'chunked twice': [['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], `0\r\n\r\n${HIDDEN}`],
  'chunked, chunked': [['Transfer-Encoding: chunked, chunked'], `0\r\n\r\n${HIDDEN}`],
  'chunked, then another coding': [['Transfer-Encoding: chunked, gzip'], `0\r\n\r\n${HIDDEN}`],
  'a coding that is not chunked': [['Transfer-Encoding: identity'], `0\r\n\r\n${HIDDEN}`],
  'a coding that looks like chunked': [['Transfer-Encoding: xchunked'], `0\r\n\r\n${HIDDEN}`],
  'chunks with a request behind them': [['Transfer-Encoding: chunked'], `5\r\nhello\r\n0\r\n\r\n${HIDDEN}`],
  'a trailer': [['Transfer-Encoding: chunked'], `0\r\nX: y\r\n\r\n${HIDDEN}`],
  'a trailer that begins with a request': [['Transfer-Encoding: chunked'], `0\r\n..${HIDDEN}`],
  'a chunk extension': [['Transfer-Encoding: chunked'], `5;x=y\r\nhello\r\n0\r\n\r\n${HIDDEN}`],
  'a chunk size read as another one': [['Transfer-Encoding: chunked'], `1;\r\nx\r\n0\r\n\r\n${HIDDEN}`],
  'a chunk size that wraps around': [
    ['Transfer-Encoding: chunked'],
    `10000000000000005\r\nhello\r\n0\r\n\r\n${HIDDEN}`,
  ],
  'a chunk that ends late': [['Transfer-Encoding: chunked'], `5\r\nhelloXX0\r\n\r\n${HIDDEN}`],
  'a chunk size with a bare line feed': [['Transfer-Encoding: chunked'], `5\nhello\r\n0\r\n\r\n${HIDDEN}`],
  'a request behind one that ends the connection': [['Connection: close'], HIDDEN],
};
