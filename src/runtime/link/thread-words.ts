/** Indexes of the 32-bit words that an owner thread shares with the main thread from its start on. */

/** Heartbeats: each thread increments its counter while its event loop runs. */
export const MAIN_HEARTBEAT = 0;
export const OWNER_HEARTBEAT = 1;
/** 1 while the owner thread loads its modules: it must not be terminated then. */
export const LOADING = 2;
export const THREAD_WORDS = 3;
