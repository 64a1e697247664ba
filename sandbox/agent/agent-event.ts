import type { MuxEvent } from '#sandbox/agent/mux-server.ts'

/** What the agent's handler has to do, in order. */
export type AgentEvent =
  /** The greeting is over: dial, or start the process, and say `ready`. */
  | { readonly type: 'start'; readonly multiplexed: boolean }
  /** Have KMS decrypt a data key, and answer with `key` or `keyFailed`. */
  | { readonly type: 'decrypt-key'; readonly ciphertext: Uint8Array }
  /** What was typed, or a raw stream's bytes; a view into the input. Count them off with `consumed`. */
  | { readonly type: 'input'; readonly bytes: Uint8Array }
  | { readonly type: 'resize'; readonly columns: number; readonly rows: number }
  /** The client's single connection is gone: close the far one. */
  | { readonly type: 'disconnect' }
  /** The session is over: stop the handler, then say `complete`. `output` is what the service will show. */
  | { readonly type: 'stop'; readonly output: string; readonly by: StoppedBy }
  /** Everything has been said: close the channel. */
  | { readonly type: 'finished' }
  | MuxEvent

/** Who ended a session: the client by its flag, the service, or the agent for a fault of the client's. */
export type StoppedBy = 'client' | 'service' | 'agent'
