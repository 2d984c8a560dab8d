/** Whether Redis is installed: contestants on it are left out where it is not. */
import { execFileSync } from 'node:child_process';

export function hasRedis(): boolean {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
