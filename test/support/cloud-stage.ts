import { after, afterEach } from 'node:test'
import { DEFAULT_KNOBS } from '#sandbox/knobs.ts'
import { SdkClients } from './sdk-clients.ts'
import { startTestCloud, type TestCloud } from './test-cloud.ts'

export interface CloudStage {
  readonly fixture: TestCloud
  readonly clients: SdkClients
}

/** A cloud for all tests of a file; after each of them its clients are ended, and every knob is as at first. */
export async function stageCloud(): Promise<CloudStage> {
  const fixture = await startTestCloud()
  const clients = new SdkClients(fixture)
  afterEach(() => {
    fixture.cloud.state.turn(DEFAULT_KNOBS)
    clients.destroy()
  })
  after(() => fixture[Symbol.asyncDispose]())
  return { fixture, clients }
}
