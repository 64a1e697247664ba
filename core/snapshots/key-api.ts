/** Whether the keys are there without which a snapshot is only noise. */
export interface KeyApi {
  /** The state of a key that a snapshot names; an error is an answer, too. */
  state(key: string, region: string, signal?: AbortSignal): Promise<KeyState>
}

export interface KeyState {
  /** `unread`: nobody knows, which is no good news. */
  readonly kind: 'usable' | 'unusable' | 'unread'
  /** Why it is not usable, or not known, in a clause. */
  readonly says: string
}
