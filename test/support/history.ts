/** Part of the program: `warren verify` judges a running deployment by it, too. */
export * from '../../src/verify/history.js';
