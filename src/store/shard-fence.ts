/**
 * The fence: one record per shard. It says who may commit, and which commit was the last. Every commit compares it whole and
 * replaces it, together with the states that changed; nothing else decides who may write.
 *
 *   {"format":"warren/4","store":"5e…","shard":0,"shards":1,"founded":1,"epoch":3,"version":120,"group":"9f…","writer":"77…", …,"check":"5d…"}
 *
 * The text is canonical: equal fences have equal texts, so a store can compare the text.
 */
import { hash } from 'node:crypto';
import { WarrenError } from '../errors.js';
import type { Fence } from './fence.js';

export interface ShardFence extends Fence {
  /** Made at the first start, an import or a restore. Nothing is repaired across two ids. */
  readonly store: string;
  /** Its number, from 0 on. */
  readonly shard: number;
  /** How many shards the store has, since its first start. */
  readonly shards: number;
  /** 1 when every shard of the store has been made: one that is missing from then on is lost. Only that of shard 0 is looked at. */
  readonly founded: number;
  /** The actors of which it may hold states, and the version of these: a node that cannot read them shall not own it. */
  readonly holds: Readonly<Record<string, number>>;
  /** Random id of the last group. */
  readonly group: string;
  /** Why no instance may serve this store; empty when instances may. */
  readonly halted: string;
  /** Milliseconds since 1970, as the writer saw them; never falls. */
  readonly clock: number;
  /** For how long the store was served since its first start, in milliseconds: never faster than time, by no clock that can be set. */
  readonly served: number;
}

const FORMAT = 'warren/4';

/** The fence that a commit expects is the one that the commit before has encoded. */
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

/** @throws WarrenError `store-foreign` for a record that is not a fence of this format, `store-corrupt` for a damaged one. */
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
