/** The 32-bit words of memory that an owner thread shares with the main thread from its start on, by index. */

/** Counters that each side beats while its event loop turns. */
export const MAIN_HEARTBEAT = 0;
export const OWNER_HEARTBEAT = 1;
/** 1 while the thread loads its modules: it must not be ended then. */
export const LOADING = 2;
export const THREAD_WORDS = 3;
