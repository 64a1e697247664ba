/** Logs of the sandbox's Kubernetes API: the kubelet's reading of them, and the ways in which they break off. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { stampOf } from '#sandbox/kubernetes/log-store.ts'
import { ManualClock } from '../support/manual-clock.ts'
import {
  FIRST_HERMES,
  HERMES,
  KILLED_HERMES,
  linesOf,
  PODS,
  startApi,
  type TestApi,
  textOf,
} from './kubernetes-support.ts'

const limits = { timeout: 20_000 }
const STAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z /
const START = Date.UTC(2026, 10, 23, 10)
const LOG = `${PODS}/${FIRST_HERMES}/log`

function write(world: TestApi, ...lines: string[]): void {
  world.api.faults.writeLog({ pod: FIRST_HERMES, lines })
}

describe('the history of a log', limits, () => {
  it('is a quarter of an hour of lines, stamped in order and interleaved over the pods', limits, async () => {
    await using world = await startApi({ clock: new ManualClock(START) })
    const all: { stamp: string; pod: string }[] = []
    for (const pod of HERMES) {
      const { text } = await world.get(`${PODS}/${pod}/log?timestamps=true`)
      const lines = text.split('\n').slice(0, -1)
      for (const line of lines) assert.match(line, STAMP)
      const stamps = lines.map((line) => line.slice(0, 30))
      assert.deepEqual(stamps, [...stamps].sort())
      assert.ok(
        stamps.every((stamp) => Date.parse(stamp) > START - 15 * 60_000 && Date.parse(stamp) <= START),
      )
      all.push(...stamps.map((stamp) => ({ stamp, pod })))
    }
    assert.ok(all.length > 200, `${all.length} lines`)
    all.sort((left, right) => (left.stamp < right.stamp ? -1 : 1))
    const changes = all.filter(({ pod }, index) => pod !== all[index - 1]?.pod).length
    assert.ok(changes > all.length / 3, `${changes} changes of pod in ${all.length} lines`)
  })

  it('is JSON of several levels, with stacks inside, beside plain lines', limits, async () => {
    await using world = await startApi({ clock: new ManualClock(START) })
    const texts = await Promise.all(HERMES.map(async (pod) => (await world.get(`${PODS}/${pod}/log`)).text))
    const records = texts
      .join('')
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line))
    for (const level of [30, 40, 50]) assert.ok(records.some((record) => record.level === level))
    assert.match(records.find((record) => record.err)?.err.stack, /\n {4}at /)
    const cerberus = (await world.get(`${PODS}/cerberus-5f4d9c7b66-b8n4h/log`)).text
    assert.match(cerberus, /^ {4}at rotateKeys/m)
    assert.match((await world.get(`${PODS}/grafana-6c7f9d8b54-x2x9q/log`)).text, /^logger=\S+ t=\S+ level=/m)
    assert.match(
      (await world.get(`${PODS}/payload-84b5d7c9f7-zz5rk/log`)).text,
      /"GET \S+ HTTP\/1\.1" \d{3} /,
    )
  })

  it('keeps the run before, which ended for want of memory', limits, async () => {
    await using world = await startApi()
    const previous = (await world.get(`${PODS}/${KILLED_HERMES}/log?previous=true&timestamps=1`)).text
    const current = (await world.get(`${PODS}/${KILLED_HERMES}/log?timestamps=1`)).text
    assert.match(previous, /JavaScript heap out of memory\n$/)
    assert.match(current, /^\S+ \{.*"msg":"hermes starting"\}\n/)
    assert.ok((previous.trimEnd().split('\n').at(-1) ?? '') < current)
  })
})

describe('reading a log', limits, () => {
  it('gives the last lines, of none to more than there are', limits, async () => {
    await using world = await startApi()
    write(world, 'one', 'two', 'three')
    assert.equal((await world.get(`${LOG}?tailLines=2`)).text, 'two\nthree\n')
    assert.equal((await world.get(`${LOG}?tailLines=0`)).text, '')
    const all = (await world.get(LOG)).text
    assert.equal((await world.get(`${LOG}?tailLines=100000`)).text, all)
  })

  it('takes whole seconds of a time, so that lines of the second before it come too', limits, async () => {
    await using world = await startApi({ clock: new ManualClock(START) })
    const at = (ms: number, text: string) =>
      world.api.cluster.writeLog(FIRST_HERMES, [text], stampOf(START + ms, 123))
    at(1000, 'early')
    at(2100, 'before')
    at(2700, 'after')
    const since = encodeURIComponent('2026-11-23T10:00:02.500Z')
    assert.equal((await world.get(`${LOG}?sinceTime=${since}`)).text, 'before\nafter\n')
    const stamped = (await world.get(`${LOG}?tailLines=1&timestamps=true`)).text
    assert.equal(stamped, '2026-11-23T10:00:02.700000123Z after\n')
    assert.equal((await world.get(`${LOG}?sinceTime=2026-11-23T11:00:03%2B01:00`)).text, '')
    // The tail is cut from the whole log before the time is looked at.
    assert.equal((await world.get(`${LOG}?sinceTime=${since}&tailLines=3`)).text, 'before\nafter\n')
  })

  it('takes seconds before now exactly', limits, async () => {
    const clock = new ManualClock(START)
    await using world = await startApi({ clock })
    clock.advance(100_000)
    write(world, 'early')
    clock.advance(1000)
    write(world, 'late')
    clock.advance(9500)
    assert.equal((await world.get(`${LOG}?sinceSeconds=10`)).text, 'late\n')
  })

  it('stops after so many bytes, in the middle of a line', limits, async () => {
    await using world = await startApi()
    write(world, 'abcdef', 'ghijkl')
    assert.equal((await world.get(`${LOG}?tailLines=2&limitBytes=10`)).text, 'abcdef\nghi')
    assert.equal((await world.get(`${LOG}?tailLines=2&limitBytes=7&follow=true`)).text, 'abcdef\n')
  })

  it('gives stamps to lines of one write that differ, and rise', limits, async () => {
    await using world = await startApi({ clock: new ManualClock(START) })
    write(world, 'a', 'b')
    const { text } = await world.get(`${LOG}?tailLines=2&timestamps=true`)
    assert.equal(text, '2026-11-23T10:00:00.000000000Z a\n2026-11-23T10:00:00.000000001Z b\n')
  })

  for (const [query, status, message] of [
    ['container=sidecar', 400, `container sidecar is not valid for pod ${FIRST_HERMES}`],
    ['previous=true', 400, `previous terminated container "hermes" in pod "${FIRST_HERMES}" not found`],
    ['tailLines=many', 400, 'strconv.ParseInt: parsing "many": invalid syntax'],
    [
      'sinceTime=yesterday',
      400,
      'parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006"',
    ],
    [
      'tailLines=-1',
      422,
      `PodLogOptions "${FIRST_HERMES}" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0`,
    ],
    [
      'limitBytes=0',
      422,
      `PodLogOptions "${FIRST_HERMES}" is invalid: limitBytes: Invalid value: 0: must be greater than 0`,
    ],
    [
      'sinceSeconds=0',
      422,
      `PodLogOptions "${FIRST_HERMES}" is invalid: sinceSeconds: Invalid value: 0: must be greater than 0`,
    ],
    [
      'sinceSeconds=1&sinceTime=2026-11-23T10:00:00Z',
      422,
      `PodLogOptions "${FIRST_HERMES}" is invalid: : Forbidden: at most one of \`sinceTime\` or \`sinceSeconds\` may be specified`,
    ],
  ] as const)
    it(`refuses ${query}`, limits, async () => {
      await using world = await startApi()
      const answer = await world.get(`${LOG}?${query}`)
      assert.equal(answer.status, status)
      assert.equal(answer.json.message, message)
    })

  it('says why a container that has not started has no log', limits, async () => {
    await using world = await startApi()
    for (const [waiting, why] of [
      ['ContainerCreating', 'ContainerCreating'],
      ['ImagePullBackOff', 'trying and failing to pull image'],
      ['ErrImagePull', "image can't be pulled"],
    ] as const) {
      const pod = world.api.faults.createPod({ service: 'hermes', waiting })
      const { status, json } = await world.get(`${PODS}/${pod}/log`)
      assert.equal(status, 400)
      assert.equal(json.message, `container "hermes" in pod "${pod}" is waiting to start: ${why}`)
    }
  })

  it('still has the log of a container that crashed and waits', limits, async () => {
    await using world = await startApi()
    write(world, 'last words')
    world.api.faults.stopContainer({ pod: FIRST_HERMES, waiting: 'CrashLoopBackOff' })
    for (const query of ['', '&previous=true', '&follow=true'])
      assert.equal((await world.get(`${LOG}?tailLines=1${query}`)).text, 'last words\n')
    const [container] = (await world.get(`${PODS}/${FIRST_HERMES}`)).json.status.containerStatuses
    assert.deepEqual(container.state, { waiting: { reason: 'CrashLoopBackOff' } })
    assert.equal(container.lastState.terminated.exitCode, 1)
  })

  it('has lost what was rotated away', limits, async () => {
    await using world = await startApi()
    write(world, 'one', 'two', 'three')
    world.api.faults.rotateLog({ pod: FIRST_HERMES, keep: 1 })
    write(world, 'four')
    assert.equal((await world.get(LOG)).text, 'three\nfour\n')
  })
})

describe('following a log', limits, () => {
  function follow(world: TestApi) {
    return world.open(`${LOG}?follow=true&tailLines=0`)
  }

  it('gives lines as they are written, and ends with the container', limits, async () => {
    await using world = await startApi()
    const response = await follow(world)
    const lines = linesOf(response)
    write(world, 'one')
    assert.equal(await lines.next(), 'one')
    write(world, 'two')
    world.api.faults.restartContainer({ pod: FIRST_HERMES })
    write(world, 'of another run')
    assert.deepEqual(await lines.rest(), ['two'])
    assert.equal((await world.get(`${LOG}?previous=true&tailLines=1`)).text, 'two\n')
  })

  it('goes on over a rotation', limits, async () => {
    await using world = await startApi()
    const response = await follow(world)
    const lines = linesOf(response)
    write(world, 'one')
    assert.equal(await lines.next(), 'one')
    world.api.faults.rotateLog({ pod: FIRST_HERMES })
    write(world, 'two')
    assert.equal(await lines.next(), 'two')
    response.destroy()
  })

  it('can be cut in the middle of a line', limits, async () => {
    await using world = await startApi()
    const response = await follow(world)
    assert.equal(world.api.faults.cutFollows({ pod: KILLED_HERMES }), 0)
    assert.equal(world.api.faults.cutFollows({ pod: FIRST_HERMES }), 1)
    let seen = ''
    response.setEncoding('utf8').on('data', (chunk) => {
      seen += chunk
    })
    write(world, 'a line of which half is lost')
    const [error] = await once(response, 'error')
    assert.equal(error.code, 'ECONNRESET')
    assert.ok('a line of which half is lost'.startsWith(seen) && seen.length > 3, seen)
  })

  it('can end although the container runs', limits, async () => {
    await using world = await startApi()
    const response = await follow(world)
    write(world, 'one')
    assert.equal(world.api.faults.endFollows(), 1)
    assert.equal(await textOf(response), 'one\n')
    assert.ok((await world.get(`${PODS}/${FIRST_HERMES}`)).json.status.containerStatuses[0].state.running)
  })

  it('can die without a sign', limits, async () => {
    await using world = await startApi()
    const response = await follow(world)
    const other = await follow(world)
    assert.equal(world.api.faults.stallFollows(), 2)
    const late = linesOf(await follow(world))
    let seen = 0
    for (const dead of [response, other]) dead.on('data', () => seen++)
    write(world, 'unheard')
    assert.equal(await late.next(), 'unheard')
    assert.equal(seen, 0)
    for (const dead of [response, other]) dead.destroy()
  })

  it('forgets streams whose client has gone', limits, async () => {
    await using world = await startApi()
    const response = await follow(world)
    response.destroy()
    while (world.api.faults.stallFollows() > 0) await new Promise(setImmediate)
  })

  it('ends when the pod is deleted, which then has no log', limits, async () => {
    await using world = await startApi()
    const response = await follow(world)
    world.api.faults.deletePod({ pod: FIRST_HERMES })
    assert.equal(await textOf(response), '')
    assert.equal((await world.get(LOG)).json.message, `pods "${FIRST_HERMES}" not found`)
  })

  it('waits for a reader that is slow, and loses nothing', limits, async () => {
    await using world = await startApi()
    const response = await follow(world)
    for (let block = 0; block < 40; block++)
      write(world, ...Array.from({ length: 200 }, (_, index) => `${block * 200 + index}`.padEnd(1000, '.')))
    const lines = linesOf(response)
    for (let number = 0; number < 8000; number++) {
      const line = await lines.next()
      if (!line.startsWith(`${number}.`)) assert.fail(`line ${number} is ${line.slice(0, 20)}`)
    }
    response.destroy()
  })
})

describe('time going on', limits, () => {
  it('brings new lines, to hermes more than to others, and none after the end', limits, async () => {
    const clock = new ManualClock(START)
    const world = await startApi({ clock, lineInterval: 300 })
    const count = (pod: string) => world.api.cluster.pod(pod)?.run?.log.end ?? 0
    const before = HERMES.map(count)
    clock.advance(60_000)
    const written = HERMES.map((pod, index) => count(pod) - (before[index] ?? 0))
    for (const lines of written) assert.ok(lines > 20, `${written}`)
    await world[Symbol.asyncDispose]()
    assert.equal(clock.pending, 0)
  })

  it('brings the same lines for the same seed and time', limits, async () => {
    const read = async (seed: number) => {
      await using world = await startApi({ clock: new ManualClock(START), seed })
      return (await world.get(LOG)).text
    }
    assert.equal(await read(7), await read(7))
    assert.notEqual(await read(7), await read(8))
  })
})
