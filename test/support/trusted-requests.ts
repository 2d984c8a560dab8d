/**
 * The test's own reading of bytes as HTTP/1.1 requests, by RFC 9112 and Warren's rules: which of them a server may carry out. It stops at
 * the first one whose form or length is in doubt, and behind a chunked one or one that ends its connection.
 *
 * Two faults of the library's parser cannot be seen from JavaScript, and are granted to it: a header without a name hides the headers behind
 * it, and bytes beyond ASCII around a value are dropped like blanks.
 */

const REQUEST_LINE = /^([!#$%&'*+.^_`|~\w-]+) (\/[^\0-\x20]*) HTTP\/1\.1$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: no value has any but the tab.
const HEADER = /^([!#$%&'*+.^_`|~\w-]*):([^\0-\x08\x0a-\x1f]*)$/;
const BLANKS = /^[\0-\x20\x80-\xff]+|[\0-\x20\x80-\xff]+$/g;

/** How many numbers the bytes may take at the most. */
export function numbersAskedFor(bytes: string): number {
  let numbers = 0;
  for (let rest = bytes; ; ) {
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) return numbers;
    const [first = '', ...lines] = rest.slice(0, end).split('\r\n');
    const [, method = '', target = ''] = REQUEST_LINE.exec(first) ?? [];
    const headers = lines.map((line) => HEADER.exec(line));
    if (method === '' || headers.some((header) => header === null)) return numbers;
    if (headers.some((header) => header?.[1] === '')) return numbers + rest.split('/next').length - 1;
    const values = (wanted: string) =>
      headers.flatMap((header) =>
        header?.[1]?.toLowerCase() === wanted ? [(header[2] ?? '').replaceAll(BLANKS, '')] : [],
      );
    const lengths = values('content-length');
    if (values('host').length !== 1 || values('transfer-encoding').length > 0 || lengths.length > 1)
      return numbers;
    const [length = '0'] = lengths;
    if (!/^\d{1,15}$/.test(length)) return numbers;
    if ((method === 'GET' || method === 'POST') && target.split('?', 1)[0] === '/next') numbers += 1;
    if (values('connection').some((value) => value.toLowerCase() === 'close')) return numbers;
    rest = rest.slice(end + 4 + Number(length));
  }
}
