import type { Clock } from '#core/clock.ts'
import { isPgctlError } from '#core/errors.ts'
import { uuidText } from '#core/ssm/bytes.ts'
import { decodeMessage } from '#core/ssm/message.ts'
import { taskAcknowledgeMessage } from './control-messages.ts'
import type { Peer } from './peer.ts'

/** What an agent says when a session is over: the part of its `agent_task_complete` that the gateway needs. */
export interface TaskCompletion {
  readonly sessionId: string
  readonly output: string
}

/** The agents that are connected, each by its instance's control channel. */
export class ControlChannels {
  readonly #clock: Clock
  readonly #completed: (completion: TaskCompletion) => void
  readonly #channels = new Map<string, Peer>()

  constructor(clock: Clock, completed: (completion: TaskCompletion) => void) {
    this.#clock = clock
    this.#completed = completed
  }

  /** Takes the channel of an agent; an older one of the same instance gives way. */
  attach(instanceId: string, peer: Peer): void {
    this.#channels.get(instanceId)?.cut()
    this.#channels.set(instanceId, peer)
    peer.listen({
      frame: (data) => this.#read(peer, data),
      writable: () => {},
      gone: () => {
        if (this.#channels.get(instanceId) === peer) this.#channels.delete(instanceId)
      },
    })
  }

  isConnected(instanceId: string): boolean {
    return this.#channels.has(instanceId)
  }

  /** Hands a message to the agent, if it is there. */
  send(instanceId: string, frame: Uint8Array): void {
    this.#channels.get(instanceId)?.send(frame)
  }

  /** Ends the connections of all agents. */
  cutAll(): void {
    for (const peer of this.#channels.values()) peer.cut()
  }

  #read(peer: Peer, frame: Uint8Array): void {
    const completion = completionOf(frame)
    // Agents also report on commands, updates and audits, which are no business of sessions.
    if (completion === undefined) return
    peer.send(taskAcknowledgeMessage(completion.messageId, completion.sessionId, this.#clock.now().wall))
    this.#completed(completion)
  }
}

function completionOf(frame: Uint8Array): (TaskCompletion & { messageId: string }) | undefined {
  try {
    const { type, messageId, payload } = decodeMessage(frame)
    if (type !== 'agent_task_complete') return undefined
    const { TaskId, Output } = JSON.parse(Buffer.from(payload).toString('utf8'))
    if (typeof TaskId !== 'string') return undefined
    return {
      sessionId: TaskId,
      output: typeof Output === 'string' ? Output : '',
      messageId: uuidText(messageId),
    }
  } catch (error) {
    if (isPgctlError(error, 'protocol-violation') || error instanceof SyntaxError) return undefined
    throw error
  }
}
