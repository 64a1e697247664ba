/** Keeps the containers' logs growing: the last quarter of an hour at once, and then line after line. */

import type { Clock, Ms } from '#core/clock.ts'
import { WORLD_SERVICES, type WorldService } from '#sandbox/world.ts'
import type { Cluster } from './cluster.ts'
import { type Chance, outOfMemoryLines, startLines, writeOf } from './log-lines.ts'
import { stampOf } from './log-store.ts'
import { type ContainerRun, isRunning, type Pod } from './pods.ts'

const HISTORY: Ms = 15 * 60_000

/** How long a service is silent between two writes, on average. */
const PAUSE: Readonly<Record<WorldService, Ms>> = {
  hermes: 7500,
  cerberus: 9000,
  grafana: 20_000,
  payload: 15_000,
}

/** How often a pod of a service is the one that writes next. */
const LIVELINESS: Readonly<Record<WorldService, number>> = { hermes: 4, cerberus: 4, grafana: 1, payload: 1 }

/** Writes what every run of the last quarter of an hour would have written by now. */
export function writeHistory(cluster: Cluster, now: Ms, chance: Chance): void {
  for (const pod of cluster.pods()) {
    if (pod.previous?.end) writePreviousRun(pod, pod.previous, now, chance)
    if (pod.run) writeRun(pod, pod.run, now - HISTORY, now, chance)
  }
}

function writePreviousRun(pod: Pod, run: ContainerRun, now: Ms, chance: Chance): void {
  const end = run.end?.at ?? now
  writeRun(pod, run, now - HISTORY, end - 1500, chance)
  run.log.append(outOfMemoryLines(pod.name, end - 900), stampOf(end - 900, 71_203))
  run.log.close()
}

function writeRun(pod: Pod, run: ContainerRun, from: Ms, until: Ms, chance: Chance): void {
  if (run.startedAt >= from)
    run.log.append(
      startLines(pod.service, pod.name, run.startedAt, portOf(pod)),
      stampOf(run.startedAt + 180, 5),
    )
  let wall = Math.floor(Math.max(from, run.startedAt + 200))
  for (;;) {
    wall += Math.ceil(PAUSE[pod.service] * (0.1 + 1.8 * chance()))
    if (wall >= until) return
    write(pod, run, wall, chance)
  }
}

/** Writes one event; the stamp is the node's, so it is a little later than the time that the line tells. */
function write(pod: Pod, run: ContainerRun, wall: Ms, chance: Chance): void {
  const texts = writeOf(pod.service)(chance, pod.name, wall)
  run.log.append(texts, stampOf(wall, Math.floor(chance() * 1_000_000)))
}

function portOf(pod: Pod): number {
  return WORLD_SERVICES[pod.service].port
}

/** Writes an event of some running container every `interval` ms, give or take, until the returned function. */
export function startWriting(cluster: Cluster, clock: Clock, interval: Ms, chance: Chance): () => void {
  let cancel = () => {}
  const next = () => {
    cancel = clock.after(interval * (0.6 + 0.8 * chance()), () => {
      const pod = pickWriter(cluster.pods().filter(isRunning), chance)
      if (pod?.run) write(pod, pod.run, Math.floor(clock.now().wall), chance)
      next()
    })
  }
  next()
  return () => cancel()
}

function pickWriter(pods: readonly Pod[], chance: Chance): Pod | undefined {
  let left = chance() * pods.reduce((sum, pod) => sum + LIVELINESS[pod.service], 0)
  return pods.find((pod) => {
    left -= LIVELINESS[pod.service]
    return left < 0
  })
}
