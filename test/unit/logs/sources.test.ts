import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ContainerSnapshot, EndedRun, PodSnapshot } from '#core/logs/pod.ts'
import { LogSources, type SourceChange, type SourceScope } from '#core/logs/sources.ts'

const crash = (run: string): EndedRun => ({ run, exitCode: 1, reason: 'Error' })

function container(
  state: ContainerSnapshot['state'],
  { name = 'app', restarts = 0, previous }: { name?: string; restarts?: number; previous?: EndedRun } = {},
): ContainerSnapshot {
  return { name, restarts, state, previous }
}

function pod(uid: string, containers: ContainerSnapshot[], trouble?: string): PodSnapshot {
  return { uid, name: `pod-${uid}`, labels: {}, trouble, containers }
}

const SCOPE: SourceScope = {
  namespace: 'paragon',
  isOneOfNamespaces: false,
  serviceOf: () => 'hermes',
  wants: () => true,
}

/** Changes in a word or two each. */
function told(changes: readonly SourceChange[]): string[] {
  return changes.map(describeChange)
}

function describeChange(change: SourceChange): string {
  switch (change.kind) {
    case 'joined': {
      const after = change.replaces === undefined ? '' : ` after ${change.replaces.run}`
      return `joined ${change.source.container} ${change.source.run}${after}`
    }
    case 'waiting':
      return `waiting ${change.pod} ${change.why}`
    case 'left':
      return `left ${change.pod}`
  }
}

const running = (run: string): ContainerSnapshot['state'] => ({ kind: 'running', run })
const waiting = (why: string): ContainerSnapshot['state'] => ({ kind: 'waiting', why })

describe('LogSources', () => {
  it('tells once of each run, however often the pod changes', () => {
    const sources = new LogSources(SCOPE)
    assert.deepEqual(told(sources.replace([pod('a', [container(running('1'))])])), ['joined app 1'])
    assert.deepEqual(told(sources.update(pod('a', [container(running('1'))]))), [])
    assert.equal(sources.pods, 1)
  })

  it('says why a pod waits, once for each reason, until it runs', () => {
    const sources = new LogSources(SCOPE)
    const steps: [PodSnapshot, string[]][] = [
      [
        pod('a', [container(waiting('not started'))], 'Unschedulable: 0/3 nodes'),
        ['waiting pod-a Unschedulable: 0/3 nodes'],
      ],
      [pod('a', [container(waiting('not started'))], 'Unschedulable: 0/3 nodes'), []],
      [pod('a', [container(waiting('ContainerCreating'))]), ['waiting pod-a ContainerCreating']],
      [pod('a', [container(waiting('ImagePullBackOff'))]), ['waiting pod-a ImagePullBackOff']],
      [pod('a', [container(running('1'))]), ['joined app 1']],
    ]
    for (const [snapshot, want] of steps) assert.deepEqual(told(sources.update(snapshot)), want)
  })

  it('names the container that is waited for where there are several', () => {
    const sources = new LogSources(SCOPE)
    const init = container({ kind: 'ended', ...crash('i1') }, { name: 'migrate' })
    const changes = sources.update(pod('a', [init, container(waiting('PodInitializing'))]))
    assert.deepEqual(told(changes), ['joined migrate i1', 'waiting pod-a app: PodInitializing'])
  })

  it('takes up a restarted container as a new log, and knows how the run before ended', () => {
    const sources = new LogSources(SCOPE)
    sources.update(pod('a', [container(running('1'))]))
    const changes = sources.update(pod('a', [container(running('2'), { restarts: 1, previous: crash('1') })]))
    assert.deepEqual(told(changes), ['joined app 2 after 1'])
  })

  it('follows no log twice while a crashed container waits, and tells that it does', () => {
    const sources = new LogSources(SCOPE)
    sources.update(pod('a', [container(running('1'))]))
    const crashed = pod('a', [container(waiting('CrashLoopBackOff'), { previous: crash('1') })])
    assert.deepEqual(told(sources.update(crashed)), ['waiting pod-a CrashLoopBackOff'])
    const again = pod('a', [container(running('2'), { restarts: 1, previous: crash('1') })])
    assert.deepEqual(told(sources.update(again)), ['joined app 2 after 1'])
    assert.deepEqual(told(sources.update(crashed)), [
      'joined app 1 after 1',
      'waiting pod-a CrashLoopBackOff',
    ])
  })

  it('takes up the last run of a container that is found waiting', () => {
    const sources = new LogSources(SCOPE)
    const crashed = pod('a', [container(waiting('CrashLoopBackOff'), { previous: crash('1') })])
    assert.deepEqual(told(sources.update(crashed)), ['joined app 1', 'waiting pod-a CrashLoopBackOff'])
  })

  it('sees what a new list no longer has as gone, and a pod of the same name as another', () => {
    const sources = new LogSources(SCOPE)
    sources.replace([pod('a', [container(running('1'))]), pod('b', [container(running('2'))])])
    const successor = { ...pod('c', [container(running('3'))]), name: 'pod-a' }
    assert.deepEqual(told(sources.replace([pod('b', [container(running('2'))]), successor])), [
      'left pod-a',
      'joined app 3',
    ])
    assert.deepEqual(told(sources.remove('c')), ['left pod-a'])
    assert.deepEqual(told(sources.remove('c')), [])
  })

  it('gives the newest status of a container, and none when its pod is gone', () => {
    const sources = new LogSources(SCOPE)
    const [joined] = sources.update(pod('a', [container(running('1'))]))
    assert.ok(joined?.kind === 'joined')
    sources.update(pod('a', [container({ kind: 'ended', ...crash('1') })]))
    assert.equal(sources.containerOf(joined.source)?.state.kind, 'ended')
    sources.remove('a')
    assert.equal(sources.containerOf(joined.source), undefined)
  })
})
