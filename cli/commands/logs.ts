import { once } from 'node:events'
import { Args } from '@oclif/core'
import { systemClock } from '#core/io/system-clock.ts'
import type { LogEvent } from '#core/logs/events.ts'
import type { LogSummary } from '#core/logs/ledger.ts'
import { neutralise } from '#core/text/neutralise.ts'
import type { TunnelEvent } from '#core/tunnel/events.ts'
import { BaseCommand } from '../base-command.ts'
import { installationFlags, reasonFlag, startFlag } from '../flags.ts'
import { logFlags } from '../log-flags.ts'
import { paths } from '../paths.ts'
import { toJson } from '../render/json.ts'
import { LogLineRenderer } from '../render/log-lines.ts'
import { LogTimes } from '../render/log-times.ts'
import { logEventDocument, renderLogNotice } from '../render/logs.ts'
import { renderTunnelEvent } from '../render/tunnel.ts'

type LineEvent = Extract<LogEvent, { event: 'line' }>
type Output = 'tidy' | 'raw' | 'json'

export default class Logs extends BaseCommand {
  static override summary = 'Show the logs of services, all pods merged in the order of time.'
  static override description = [
    'A SERVICE is a Service of the cluster, or a name that pods bear in the label of the product. With',
    '--follow it is a living set: pods come, restart and go, and streams that break are taken up with',
    'nothing lost or doubled. Lines go to stdout; what happens to the streams goes to stderr, and at the end',
    'of a follow, how much was read and whether it was whole. A follow goes on while its reader stands',
    'still: 8 MiB wait in memory, 1 GiB in a file that is gone with the process; then the cluster waits.',
    'JSON, logfmt, klog, access logs and those of Postgres are shown as one tidy line each; --output raw',
    'shows them as they were written. With --json every event is a line of stdout. --grep, --exclude and',
    '--level choose among whole events: a trace belongs to the line before it. With them --tail counts the',
    'events that fit, among the last 10,000 lines of each container; --tail all or --since searches further.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> logs hermes --follow',
    '<%= config.bin %> logs hermes cerberus --since 10m',
    '<%= config.bin %> logs hermes --from "yesterday 20:10" --to "yesterday 20:15" --tz Europe/Berlin',
    '<%= config.bin %> logs hermes --follow --to 20:10 --output raw > until-ten-past-eight.log',
    '<%= config.bin %> logs --selector tier=worker --exclude-container istio --follow',
    '<%= config.bin %> logs --namespace paragon --namespace ingress --selector app --since 5m',
    '<%= config.bin %> logs hermes --previous --tail all',
    '<%= config.bin %> logs hermes --level warn --exclude healthz --since 1h',
    '<%= config.bin %> logs hermes --level error --context 3 --tail 5',
    '<%= config.bin %> logs hermes --grep "requestId.*7f3a" --output raw',
  ]
  static override enableJsonFlag = true
  static override strict = false
  static override args = {
    service: Args.string({ description: 'Whose logs; several may follow.', required: false }),
  }
  static override flags = {
    ...installationFlags,
    ...reasonFlag,
    ...startFlag,
    ...logFlags,
  }

  protected override readonly streams = true

  /** The latest group of events that has begun. */
  #group = 0

  #times = new LogTimes({ name: 'UTC', asked: false }, process.stdout.isTTY)
  #tidy = new LogLineRenderer(this.paint, process.stdout.isTTY, this.#times)

  override async run(): Promise<void> {
    const { argv, flags } = await this.parse(Logs)
    const { readLogWishes, readSources } = await import('../log-wishes.ts')
    const { loadConfig } = await import('../load-config.ts')
    const { wireInstallation } = await import('../deps.ts')
    const { readLogs } = await import('../log-reading.ts')
    const surroundings = this.sessionSurroundings(flags)
    const moment = { now: systemClock.now().wall, zone: Intl.DateTimeFormat().resolvedOptions().timeZone }
    const { options, zone } = readLogWishes(flags, loadConfig(surroundings).settings.tail, moment)
    this.#times = new LogTimes(zone, process.stdout.isTTY)
    this.#tidy = new LogLineRenderer(this.paint, process.stdout.isTTY, this.#times)
    const request = {
      wish: readSources(argv.map(String), flags),
      options,
      reason: flags.reason,
      spillFolder: paths().state,
    }
    const reader = {
      take: (batch: readonly LogEvent[]) => this.#show(batch, flags),
      // When a session ends matters to someone who stays.
      onWay: (event: TunnelEvent) => {
        if (flags.follow || event.event !== 'session') this.#showWay(event)
      },
    }
    await readLogs(await wireInstallation(surroundings), request, reader, this.signal)
  }

  /** In their order, so that what happened between two lines stands between them on a terminal. */
  async #show(
    batch: readonly LogEvent[],
    shown: { readonly output: Output; readonly follow: boolean },
  ): Promise<void> {
    if (this.jsonEnabled()) return this.#write(batch.map((event) => toJson(logEventDocument(event))))
    let lines: string[] = []
    for (const event of batch) {
      if (event.event === 'line') {
        if (this.#beginsGroup(event) && shown.output !== 'json') lines.push('--')
        lines.push(this.#render(event, shown.output))
      } else if (event.event !== 'ledger' || shown.follow || hasNews(event.summary)) {
        const text = renderLogNotice(event, this.paintNotice)
        if (text === undefined) continue
        await this.#write(lines)
        lines = []
        this.notice(text)
      }
    }
    const news = this.#times.takeNews()
    if (news !== undefined) this.notice(`${this.paintNotice('dim', '·')} ${news}`)
    return this.#write(lines)
  }

  /** Whether a group begins, and it is not the first. */
  #beginsGroup({ group = 0 }: LineEvent): boolean {
    if (group <= this.#group) return false
    const isFirst = this.#group === 0
    this.#group = group
    return !isFirst
  }

  #render(event: LineEvent, output: Output): string {
    if (output === 'json') return toJson(logEventDocument(event))
    if (output === 'tidy') return this.#tidy.render(event)
    const lines = [event.line, ...event.rest].map(({ text }) => text)
    return (process.stdout.isTTY ? lines.map(neutralise) : lines).join('\n')
  }

  #showWay(event: TunnelEvent): void {
    const text = renderTunnelEvent(event, this.paintNotice)
    if (this.jsonEnabled()) this.event(event)
    else if (text !== undefined) this.notice(text)
  }

  /** One write for all of them; waits while the reader of our output is slow, unless it has gone away. */
  async #write(lines: readonly string[]): Promise<void> {
    if (lines.length === 0 || process.stdout.write(`${lines.join('\n')}\n`)) return
    await once(process.stdout, 'drain', { signal: this.signal }).catch(() => {})
  }
}

/** Whether a reading that ended by itself has more to tell than its lines. */
function hasNews({ reconnects, unchecked, holeCount }: LogSummary): boolean {
  return reconnects + unchecked + holeCount > 0
}
