import { wireSnapshotFunction } from './snapshot-deps.ts'
import { createSnapshotFunction, type SnapshotFunctionDeps } from './snapshot-function.ts'

let wired: SnapshotFunctionDeps | undefined

/** Deletes what no rule keeps. It can make nothing. */
export const handler = createSnapshotFunction({ name: 'snapshot-prune', part: 'delete' }, () => {
  wired ??= wireSnapshotFunction(process.env)
  return wired
})
