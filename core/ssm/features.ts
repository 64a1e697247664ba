/**
 * What an agent can do, from the version that it presents: a quirk stands beside who has it. Agents judge our
 * version in turn, which `CLIENT_VERSION` is chosen for.
 */

/** What follows from an agent's version. */
export interface AgentFeatures {
  /** Many connections in one port session, by smux. Older agents take one raw stream at a time. */
  readonly multiplexedPorts: boolean
  /**
   * The agent cuts a port session that was silent for 30 s, unless smux keep-alives arrive. Newer agents leave
   * them out for a client of a version like ours, so that the session's own idle limit counts.
   */
  readonly wantsSmuxKeepAlive: boolean
}

const MULTIPLEXING_AGENT = '3.0.196.0'
const LAST_AGENT_WITH_KEEP_ALIVE = '3.1.1511.0'

/** The features of an agent; a version that cannot be read is taken for a new one. */
export function agentFeatures(version: string): AgentFeatures {
  return {
    multiplexedPorts: compareVersions(version, MULTIPLEXING_AGENT) >= 0,
    wantsSmuxKeepAlive: compareVersions(version, LAST_AGENT_WITH_KEEP_ALIVE) <= 0,
  }
}

/** Negative, zero or positive as `version` is older than, the same as or newer than `gate`; missing parts are 0. */
function compareVersions(version: string, gate: string): number {
  if (!/^\d+(\.\d+)*$/.test(version)) return 1
  const parts = version.split('.').map(Number)
  const wanted = gate.split('.').map(Number)
  for (let i = 0; i < Math.max(parts.length, wanted.length); i++) {
    const difference = (parts[i] ?? 0) - (wanted[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
