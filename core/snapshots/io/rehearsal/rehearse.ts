import { rehearsePostgres } from '#core/snapshots/io/rehearsal/postgres.ts'
import { rehearseRedis } from '#core/snapshots/io/rehearsal/redis.ts'
import type { RehearsalRequest } from '#core/snapshots/io/rehearsal/request.ts'
import { openWorkshop } from '#core/snapshots/io/rehearsal/workshop.ts'
import {
  ageCheck,
  type EngineReport,
  type RehearsalCheck,
  type RehearsalReport,
} from '#core/snapshots/rehearsal/report.ts'

/**
 * Restores files into engines of this computer, one after the other, and checks what came of each. Everything is in
 * one folder that is gone when this returns, throws or is killed.
 * @throws PgctlError where a file is none, an engine is not installed, or does not start.
 */
export async function rehearse(request: RehearsalRequest): Promise<RehearsalReport> {
  const { clock, point, apart, onProgress, signal } = request
  const begun = clock.now()
  await using workshop = await openWorkshop(request.path)
  const engines: EngineReport[] = []
  const checks: RehearsalCheck[] = []
  const files = [
    ...request.postgres.map((file) => ({ file, engine: 'postgres', run: rehearsePostgres }) as const),
    ...request.redis.map((file) => ({ file, engine: 'redis', run: rehearseRedis }) as const),
  ]
  for (const [index, { file, engine, run }] of files.entries()) {
    signal.throwIfAborted()
    onProgress(`restoring ${file} into a ${engine} of this computer`)
    const { report, checks: own, madeAt } = await run(file, workshop, `${engine}-${index}`, request)
    engines.push(report)
    checks.push(...own, ...ageCheck(file, madeAt, point, apart))
  }
  return {
    ...{ point: point?.id, startedAt: begun.wall, took: clock.now().mono - begun.mono },
    ...{ network: workshop.network, engines, checks },
  }
}
