/**
 * The fence of a shard: the record that says who may commit, and which commit was the last. Every commit compares the whole fence and replaces
 * it, together with the states that have changed. Only this comparison decides who may write.
 *
 *   {"format":"warren/4","store":"5e…","shard":0,"shards":1,"founded":1,"epoch":3,"version":120,"group":"9f…","writer":"77…", …,"check":"5d…"}
 *
 * Equal fences have equal texts, so a store compares texts.
 */
import { hash } from 'node:crypto';
import { WarrenError } from '../errors.js';
import type { Fence } from './fence.js';

export interface ShardFence extends Fence {
  /** Random id of the store, made at the first start, an import or a restore. Lost commits are not written into a store with another id. */
  readonly store: string;
  /** Number of the shard, from 0. */
  readonly shard: number;
  /** How many shards the store has had since its first start. */
  readonly shards: number;
  /** 1 when every shard of the store was made, so that a missing shard was lost. Only read from shard 0. */
  readonly founded: number;
  /** The actors of which the shard may hold states, and the newest version of these. A node that cannot read them should not own the shard. */
  readonly holds: Readonly<Record<string, number>>;
  /** Random id of the last group. */
  readonly group: string;
  /** Why no instance may serve this shard; empty when instances may. */
  readonly halted: string;
  /** The writer's wall clock, in milliseconds since 1970; never goes back. */
  readonly clock: number;
  /** How long the store was served since its first start, in milliseconds. Measured by monotonic clocks. */
  readonly served: number;
}

const FORMAT = 'warren/4';

/** Cache of texts: a commit expects the fence that the previous commit has encoded. */
const encoded = new WeakMap<ShardFence, string>();

export function encodeFence(fence: ShardFence): string {
  let text = encoded.get(fence);
  if (text === undefined) {
    text = textOf(fence);
    encoded.set(fence, text);
  }
  return text;
}

function textOf(fence: ShardFence): string {
  const { store, shard, shards, founded, holds, epoch, version, group, halted, clock, served } = fence;
  const { writer, instance, process, renewal, lease } = fence;
  const fields = {
    format: FORMAT,
    store,
    shard,
    shards,
    founded,
    holds,
    epoch,
    version,
    group,
    writer,
    instance,
    process,
    renewal,
    lease,
    halted,
    clock,
    served,
  };
  const body = JSON.stringify(fields);
  return `${body.slice(0, -1)},"check":"${hash('sha256', body).slice(0, 16)}"}`;
}

/** @throws WarrenError `store-foreign` for a record that is not a fence of this format, `store-corrupt` for a damaged fence. */
export function decodeFence(text: string): ShardFence {
  let record: unknown;
  try {
    record = JSON.parse(text);
  } catch (cause) {
    throw new WarrenError('store-corrupt', `the stored fence is not JSON: ${excerpt(text)}`, { cause });
  }
  const fields = (typeof record === 'object' && record !== null ? record : {}) as Record<string, unknown>;
  if (fields['format'] !== FORMAT) {
    throw new WarrenError(
      'store-foreign',
      `the stored fence is not of the format ${FORMAT}: ${excerpt(text)}`,
    );
  }
  const { check: _, format: __, ...rest } = fields;
  const fence = rest as unknown as ShardFence;
  if (!isFence(fence) || textOf(fence) !== text) {
    throw new WarrenError('store-corrupt', `the stored fence is damaged: ${excerpt(text)}`);
  }
  encoded.set(fence, text);
  return fence;
}

function isFence(fence: ShardFence): boolean {
  const counts = [
    fence.shard,
    fence.shards,
    fence.founded,
    fence.epoch,
    fence.version,
    fence.renewal,
    fence.lease,
    fence.clock,
    fence.served,
  ];
  const texts = [fence.store, fence.group, fence.writer, fence.instance, fence.process, fence.halted];
  return (
    typeof fence.holds === 'object' &&
    fence.holds !== null &&
    counts.every((count) => Number.isSafeInteger(count) && count >= 0) &&
    texts.every((text) => typeof text === 'string')
  );
}

function excerpt(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text);
}
