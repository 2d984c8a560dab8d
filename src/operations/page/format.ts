/** Numbers as people read them. A missing one is a dash. */

export function count(value: number | undefined): string {
  return value === undefined ? '–' : Math.round(value).toLocaleString('en-US');
}

/** Whole above ten, else with one digit after the point. */
export function amount(value: number | undefined): string {
  if (value === undefined) return '–';
  return value >= 10 || value === 0 ? count(value) : value.toFixed(1);
}

export function short(value: number | undefined): string {
  if (value === undefined) return '–';
  if (value >= 1e6) return `${trim(value / 1e6)}M`;
  if (value >= 1e3) return `${trim(value / 1e3)}k`;
  return value > 0 && value < 10 ? trim(value) : String(Math.round(value));
}

export function milliseconds(value: number | undefined): string {
  if (value === undefined) return '–';
  if (value >= 1000) return `${trim(value / 1000)} s`;
  return value >= 10 ? `${Math.round(value)} ms` : `${trim(value)} ms`;
}

export function megabytes(value: number | undefined): string {
  return value === undefined ? '–' : `${Math.round(value / 2 ** 20)} MB`;
}

/** Below a kilobyte in bytes. */
export function size(bytes: number | undefined): string {
  if (bytes === undefined) return '–';
  if (bytes < 2 ** 10) return `${bytes} B`;
  return bytes < 2 ** 20 ? `${trim(bytes / 2 ** 10)} KB` : `${trim(bytes / 2 ** 20)} MB`;
}

export function percent(value: number | undefined): string {
  return value === undefined ? '–' : `${Math.round(value * 100)} %`;
}

export function duration(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return `${Math.max(0, Math.round(ms / 1000))} s`;
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
}

function trim(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2).replace(/\.?0+$/, '');
}
