/** The checksum of LevelDB's files: CRC-32C (Castagnoli), stored masked. Node's own `crc32` is the other polynomial. */

const REVERSED_POLYNOMIAL = 0x82f63b78;
const MASK_DELTA = 0xa282ead8;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ REVERSED_POLYNOMIAL : value >>> 1;
  return value;
});

/** The raw register after one more byte: begin with `CRC_START`, and finish with `maskedCrc`. */
export function crcStep(register: number, byte: number): number {
  return (TABLE[(register ^ byte) & 0xff] as number) ^ (register >>> 8);
}

export const CRC_START = 0xffff_ffff;

/** As it stands in a file: rotated and moved, so that a checksum of bytes that hold checksums stays a good one. */
export function maskedCrc(register: number): number {
  const crc = ~register >>> 0;
  return (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0;
}

export function maskedCrcOf(bytes: Uint8Array): number {
  let register = CRC_START;
  for (let at = 0; at < bytes.length; at++) register = crcStep(register, bytes[at] as number);
  return maskedCrc(register);
}
