import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { profilesIn } from '../../../bench/profile/thread-profile.js';

t.test(
  'samples within the window are summed up by thread and step, and rest counts for nothing',
  async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'warren-profile-'));
    t.teardown(() => rm(folder, { recursive: true }));
    const frames = [
      ['file:///w/src/http/response.ts', '#send'],
      ['', 'postMessage'],
      ['', '(idle)'],
      ['file:///w/dist/workers/owner.js', ''],
    ];
    const profile = {
      nodes: frames.map(([url, functionName], id) => ({ id, callFrame: { url, functionName } })),
      startTime: 1000,
      samples: [0, 0, 1, 2, 0],
      timeDeltas: [10, 10, 10, 10, 10],
    };
    await writeFile(join(folder, 'a.cpuprofile'), JSON.stringify(profile));
    const main = { ...profile, nodes: profile.nodes.slice(0, 3) };
    await writeFile(join(folder, 'b.cpuprofile'), JSON.stringify(main));
    const threads = profilesIn(folder, { from: 1015, to: 1045 });
    t.same([...threads.keys()], ['owner', 'main']);
    const steps = [
      ['reply: head, body, write to the socket', 10],
      ['messages between threads', 10],
    ];
    t.same([...(threads.get('main') ?? [])], steps);
    t.same([...(threads.get('owner') ?? [])], steps);
  },
);
