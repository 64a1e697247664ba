import { wireSnapshotFunction } from './snapshot-deps.ts'
import { createSnapshotFunction, type SnapshotFunctionDeps } from './snapshot-function.ts'

let wired: SnapshotFunctionDeps | undefined

/** Begins what is due, and tells how well each datastore is covered. It can delete nothing. */
export const handler = createSnapshotFunction({ name: 'snapshot-tick', part: 'make' }, () => {
  wired ??= wireSnapshotFunction(process.env)
  return wired
})
