import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { architecture } from './image-tree.ts'

export interface AgentPackage extends AsyncDisposable {
  readonly file: string
}

/**
 * A package with the name, the unit and the habits of the vendor's agent, whose own cannot be fetched where tests run.
 * There is no agent in it.
 */
export async function makeAgentPackage(version: string): Promise<AgentPackage> {
  const folder = await mkdtemp(join(tmpdir(), 'pgctl-package-'))
  const put = async (path: string, text: string, mode = 0o644) => {
    await mkdir(join(folder, 'tree', dirname(path)), { recursive: true, mode: 0o755 })
    await writeFile(join(folder, 'tree', path), text, { mode })
  }
  await put(
    'DEBIAN/control',
    `Package: amazon-ssm-agent\nVersion: ${version}-1\nArchitecture: ${architecture}\nMaintainer: a test\nDescription: of a test\n`,
  )
  const whereSystemdRuns =
    'if [ "$(cat /proc/1/comm)" = systemd ]; then systemctl enable amazon-ssm-agent; fi'
  await put('DEBIAN/postinst', `#!/bin/sh\n${whereSystemdRuns}\n`, 0o755)
  await put(
    'lib/systemd/system/amazon-ssm-agent.service',
    '[Service]\nExecStart=/usr/bin/amazon-ssm-agent\n[Install]\nWantedBy=multi-user.target\n',
  )
  const file = join(folder, 'amazon-ssm-agent.deb')
  await promisify(execFile)('dpkg-deb', ['--root-owner-group', '--build', join(folder, 'tree'), file])
  return { file, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
}
