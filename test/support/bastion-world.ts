import type { LifeAction } from '#core/bastion/actions.ts'
import type { BastionGroup, GroupSizes, Machine, SessionRecord } from '#core/bastion/control.ts'
import type { Signals } from '#core/bastion/signals.ts'

/** A group of bastions as data, which does what decisions ask of it: for tests of the decider alone. */
export class BastionWorld {
  name = 'paragon-acme-5d1f0c2e-bastion'
  sizes: GroupSizes = { minimum: 1, maximum: 1, desired: 1 }
  remembered: GroupSizes | undefined
  template = '1'
  machines: Machine[] = []
  sessions: SessionRecord[] = []
  sessionsKnown = true
  activityKnown = true
  connections = 0
  programs = 0
  /** Sessions that something runs for; all of them unless told. */
  running: string[] | undefined
  /** Versions of the template whose machines never answer. */
  bad = new Set<string>()
  /** How old the image of the next machine is; undefined where nobody may know. */
  imageDays: number | undefined
  now = Date.parse('2026-11-26T08:00:00Z')
  #count = 0

  constructor() {
    this.settle()
  }

  get machine(): Machine {
    const [machine] = this.machines
    if (machine === undefined) throw new Error('there is no machine')
    return machine
  }

  /** The group starts and ends machines until it has as many as it wants. */
  settle(): void {
    while (this.machines.length > this.sizes.desired) this.#end(this.machine.id)
    while (this.machines.length < this.sizes.desired) {
      const id = `i-${String(++this.#count).padStart(17, '0')}`
      const silent = this.bad.has(this.template)
      this.machines.unshift({
        ...{ id, state: 'running', launchedAt: this.now, template: this.template, imageId: 'ami-1' },
        agent: silent ? { kind: 'unregistered' } : agentOf('online'),
      })
    }
  }

  set(change: Partial<Pick<BastionWorld, 'connections' | 'programs'>>): void {
    Object.assign(this, change)
  }

  ping(ping: 'online' | 'connection-lost'): void {
    this.machines = this.machines.map((machine) => ({ ...machine, agent: agentOf(ping) }))
  }

  open(id: string, status: SessionRecord['status'] = 'connected'): void {
    const { id: machine } = this.machine
    this.sessions.push({ id, owner: 'arn:ada', machine, startedAt: this.now, status, reason: undefined })
  }

  signals(): Signals {
    const { name, sizes, remembered, template, machines } = this
    const group: BastionGroup = { name, sizes, remembered, template, machines: [...machines] }
    const [machine] = machines
    return {
      group,
      sessions: this.sessionsKnown
        ? { known: true, value: [...this.sessions] }
        : { known: false, why: 'not allowed' },
      activity:
        this.activityKnown && machine !== undefined
          ? {
              known: true,
              value: {
                ...{ v: 1, at: this.now, machine: machine.id },
                ...{ connections: this.connections, programs: this.programs },
                sessions: this.running ?? this.sessions.map(({ id }) => id),
              },
            }
          : { known: false, why: 'it has not said so' },
      image:
        this.imageDays === undefined
          ? { known: false, why: 'nobody asks here' }
          : { known: true, value: { id: 'ami-1', createdAt: this.now - this.imageDays * 86_400_000 } },
    }
  }

  take(action: LifeAction): void {
    if (action.kind === 'resize') {
      this.sizes = action.sizes
      this.remembered = action.remember
    }
    if (action.kind === 'use-template') this.template = action.version
    if (action.kind === 'replace') this.#end(action.machine)
    if (action.kind === 'end-session') this.sessions = this.sessions.filter(({ id }) => id !== action.session)
    this.settle()
  }

  #end(id: string): void {
    this.machines = this.machines.filter((machine) => machine.id !== id)
    this.sessions = this.sessions.filter(({ machine }) => machine !== id)
  }
}

function agentOf(ping: 'online' | 'connection-lost'): Machine['agent'] {
  return { kind: 'registered', ping, lastPing: undefined, version: '3.3.5102.0' }
}
