import assert from 'node:assert/strict'
import { appendFile, chmod, chown, mkdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MANIFEST, SBOM } from '#core/image/manifest.ts'

/** What must not get through: each is put into a tree that passes, and the checks that it names must fail then. */

export interface Fault {
  readonly title: string
  readonly fails: string | readonly string[]
  inject(root: string): Promise<unknown>
}

const put = async (root: string, path: string, text: string, mode = 0o644) => {
  await mkdir(join(root, path, '..'), { recursive: true })
  await writeFile(join(root, path), text, { mode })
  await chmod(join(root, path), mode)
}

const change = async (root: string, path: string, pattern: RegExp, text: string) => {
  const before = await readFile(join(root, path), 'utf8')
  assert.match(before, pattern)
  await writeFile(join(root, path), before.replace(pattern, text))
}

const STATUS = 'var/lib/dpkg/status'
const installed = (name: string, version: string) => (root: string) =>
  appendFile(
    join(root, STATUS),
    `\nPackage: ${name}\nStatus: install ok installed\nVersion: ${version}\nArchitecture: amd64\n`,
  )
const gone = (name: string) => (root: string) =>
  change(
    root,
    STATUS,
    new RegExp(`^Package: ${name}\nStatus: install ok installed$`, 'm'),
    `Package: ${name}\nStatus: deinstall ok config-files`,
  )
const lost = (path: string) => (root: string) => rm(join(root, path))
const enabled = (unit: string) => async (root: string) => {
  await put(root, `usr/lib/systemd/system/${unit}`, '[Service]\nExecStart=/bin/true\n')
  await symlink(
    `/usr/lib/systemd/system/${unit}`,
    join(root, 'etc/systemd/system/multi-user.target.wants', unit),
  )
}
const notWanted = (unit: string, target = 'multi-user') =>
  lost(`etc/systemd/system/${target}.target.wants/${unit}`)
const unmasked = (unit: string) => lost(`etc/systemd/system/${unit}`)

export const FAULTS: readonly Fault[] = [
  // ── The ways in
  { title: 'an SSH server', fails: 'no-ssh-server', inject: installed('openssh-server', '1:10.0p1-7') },
  {
    title: 'an sshd beside the packages',
    fails: 'no-sshd',
    inject: (root) => put(root, 'usr/sbin/sshd', '', 0o755),
  },
  { title: 'a unit for SSH', fails: 'no-ssh-unit', inject: enabled('ssh.service') },
  {
    title: 'a firewall that lets in',
    fails: 'firewall-drops',
    inject: (root) => change(root, 'etc/nftables.conf', /(hook input .*)policy drop/, '$1policy accept'),
  },
  {
    title: 'a firewall that does not start',
    fails: 'firewall-starts',
    inject: notWanted('nftables.service', 'sysinit'),
  },
  {
    title: "the instance's role for everybody",
    fails: 'role-is-not-for-logins',
    inject: (root) => change(root, 'etc/nftables.conf', / meta skuid \{[^}]*\}/, ''),
  },
  { title: 'a console to log in at', fails: 'no-console-login', inject: unmasked('getty@.service') },
  {
    title: 'a serial line to log in at',
    fails: 'no-serial-login',
    inject: unmasked('serial-getty@.service'),
  },
  {
    title: 'names answered on the local network',
    fails: 'no-name-responder',
    inject: (root) => change(root, 'etc/systemd/resolved.conf.d/60-pgctl.conf', /LLMNR=no/, 'LLMNR=yes'),
  },
  // ── Who there is
  {
    title: 'a password',
    fails: 'accounts',
    inject: (root) => change(root, 'etc/shadow', /^ssm-user:[^:]*/m, 'ssm-user:$y$j9T$abc$def'),
  },
  {
    title: 'an account that needs no password',
    fails: 'accounts',
    inject: (root) => change(root, 'etc/shadow', /^ssm-user:[^:]*/m, 'ssm-user:'),
  },
  {
    title: 'a second root',
    fails: 'accounts',
    inject: (root) => appendFile(join(root, 'etc/passwd'), 'toor:x:0:0::/root:/usr/sbin/nologin\n'),
  },
  {
    title: 'a shell for a service',
    fails: 'accounts',
    inject: (root) => change(root, 'etc/passwd', /^(daemon:.*:)[^:]*$/m, '$1/bin/bash'),
  },
  {
    title: 'a home that others read',
    fails: 'own-home',
    inject: (root) => chmod(join(root, 'home/ssm-user'), 0o755),
  },
  {
    title: "a root's home that others read",
    fails: 'root-home',
    inject: (root) => chmod(join(root, 'root'), 0o755),
  },
  {
    title: 'a setuid file',
    fails: 'nothing-setuid',
    inject: (root) => put(root, 'usr/bin/become', '', 0o4755),
  },
  {
    title: 'a setgid file',
    fails: 'nothing-setgid',
    inject: (root) => put(root, 'usr/bin/join', '', 0o2755),
  },
  {
    title: 'a file that everybody may write',
    fails: 'nothing-world-writable',
    inject: (root) => put(root, 'usr/lib/open', '', 0o666),
  },
  {
    title: 'a file that nobody owns',
    fails: 'everything-is-owned',
    inject: async (root) => {
      await put(root, 'usr/lib/orphan', '')
      await chown(join(root, 'usr/lib/orphan'), 4242, 4242)
    },
  },
  {
    title: 'passwords for all to read',
    fails: 'shadow-is-roots',
    inject: (root) => chmod(join(root, 'etc/shadow'), 0o644),
  },
  {
    title: 'files for all to read',
    fails: 'umask',
    inject: (root) => change(root, 'etc/login.defs', /^UMASK 027/m, 'UMASK 022'),
  },
  {
    title: 'keys of the cloud',
    fails: 'no-cloud-keys',
    inject: (root) => put(root, 'root/.aws/credentials', '[default]\n'),
  },
  {
    title: 'a rule of sudo',
    fails: 'agent-makes-no-administrator',
    inject: (root) => put(root, 'etc/sudoers.d/ssm-agent-users', 'ssm-user ALL=(ALL) NOPASSWD:ALL\n'),
  },
  // ── What is in it
  { title: 'too many packages', fails: 'package-count', inject: tooManyPackages },
  {
    title: 'too much in it',
    fails: 'root-size',
    // A file of holes has the size, and takes none.
    inject: async (root) => {
      await put(root, 'usr/lib/large', '')
      await truncate(join(root, 'usr/lib/large'), 3 * 1024 ** 3)
    },
  },
  { title: 'no kubectl', fails: 'kubectl', inject: lost('usr/bin/kubectl') },
  {
    title: 'a kubectl for all to write',
    fails: 'kubectl',
    inject: (root) => chmod(join(root, 'usr/bin/kubectl'), 0o777),
  },
  {
    title: "somebody else's helm",
    fails: 'helm',
    inject: (root) => chown(join(root, 'usr/bin/helm'), 1000, 1000),
  },
  { title: 'no pgctl', fails: 'pgctl', inject: lost('usr/bin/pgctl') },
  { title: 'no psql', fails: 'psql', inject: gone('postgresql-client-17') },
  { title: 'no redis-cli', fails: 'redis-client', inject: gone('redis-tools') },
  { title: 'no jq', fails: 'jq', inject: gone('jq') },
  { title: 'no tmux', fails: 'tmux', inject: gone('tmux') },
  { title: 'a compiler', fails: 'no-compiler', inject: installed('gcc', '4:14.2.0-1') },
  { title: 'sudo', fails: 'no-sudo', inject: installed('sudo', '1.9.16') },
  { title: 'apt', fails: 'no-archive-client', inject: installed('apt', '3.0.3') },
  { title: 'docker', fails: 'no-containers', inject: (root) => put(root, 'usr/bin/docker', '', 0o755) },
  { title: 'no bill of materials', fails: ['bill-of-materials', 'sealed'], inject: lost(SBOM) },
  {
    title: 'an agent that is too old',
    fails: 'agent-version',
    inject: installed('amazon-ssm-agent', '3.3.4851.0'),
  },
  {
    title: 'a program that has changed',
    fails: 'sealed',
    inject: (root) => appendFile(join(root, 'usr/bin/jq'), ' '),
  },
  { title: 'a program more', fails: 'sealed', inject: (root) => put(root, 'usr/bin/more-of-it', '', 0o755) },
  { title: 'a program less', fails: 'sealed', inject: lost('usr/bin/tmux') },
  { title: 'no manifest', fails: 'sealed', inject: lost(MANIFEST) },
  // ── What is written down, the kernel, what starts
  { title: 'no audit', fails: 'audit-starts', inject: notWanted('auditd.service') },
  {
    title: 'rules of the audit that can be changed',
    fails: 'audit-rules',
    inject: (root) => change(root, 'etc/audit/rules.d/60-pgctl.rules', /^-e 2$/m, '-e 1'),
  },
  {
    title: 'an audit that a full disk ends',
    fails: 'audit-when-full',
    inject: (root) =>
      change(root, 'etc/audit/auditd.conf', /^disk_full_action = halt$/m, 'disk_full_action = ignore'),
  },
  {
    title: 'an audit that keeps hours',
    fails: 'audit-is-kept',
    inject: (root) => change(root, 'etc/audit/auditd.conf', /^num_logs = 32$/m, 'num_logs = 5'),
  },
  {
    title: 'somebody who reads the audit',
    fails: 'audit-readers',
    inject: (root) => change(root, 'etc/group', /^adm:x:4:$/m, 'adm:x:4:bastion'),
  },
  {
    title: 'an audit that nobody takes away',
    fails: 'audit-leaves',
    inject: notWanted('pgctl-audit-stream.service'),
  },
  {
    title: 'an audit that root takes away',
    fails: ['audit-carrier', 'sealed'],
    inject: (root) =>
      change(root, 'usr/lib/systemd/system/pgctl-audit-stream.service', /^DynamicUser=yes$/m, ''),
  },
  {
    title: 'a journal without a bound',
    fails: 'journal',
    inject: (root) => change(root, 'etc/systemd/journald.conf.d/60-pgctl.conf', /^SystemMaxUse=.*$/m, ''),
  },
  {
    title: 'a kernel that tells its addresses',
    fails: 'kernel-settings',
    inject: (root) => put(root, 'etc/sysctl.d/99-later.conf', 'kernel.kptr_restrict = 0\n'),
  },
  { title: 'core dumps', fails: 'no-core-dumps', inject: lost('etc/systemd/system.conf.d/60-pgctl.conf') },
  { title: 'odd modules', fails: 'no-odd-modules', inject: lost('etc/modprobe.d/pgctl.conf') },
  { title: 'no confinement', fails: 'confinement', inject: notWanted('apparmor.service', 'sysinit') },
  {
    title: 'a /tmp that runs programs',
    fails: 'tmp-is-bare',
    inject: (root) => change(root, 'etc/fstab', /(\/tmp .*),noexec/, '$1'),
  },
  {
    title: 'shared memory that runs programs',
    fails: 'shared-memory-is-bare',
    inject: (root) => change(root, 'etc/fstab', /.*\/dev\/shm.*\n/, ''),
  },
  {
    title: 'the time of strangers',
    fails: 'time',
    inject: (root) => appendFile(join(root, 'etc/chrony/chrony.conf'), 'pool pool.example iburst\n'),
  },
  { title: 'no time', fails: 'time-starts', inject: notWanted('chrony.service') },
  { title: 'no first boot', fails: 'first-boot', inject: notWanted('pgctl-first-boot.service') },
  {
    title: 'no look at the license',
    fails: 'license-at-boot',
    inject: notWanted('pgctl-license-verify.service'),
  },
  { title: 'no names', fails: 'names', inject: notWanted('systemd-resolved.service', 'sysinit') },
  { title: 'no network', fails: 'network', inject: notWanted('systemd-networkd.service') },
  {
    title: 'a boot that waits for the network',
    fails: 'nothing-waits-for-the-network',
    inject: unmasked('systemd-networkd-wait-online.service'),
  },
  // ── What the build left
  {
    title: 'keys of a host',
    fails: 'no-host-keys',
    inject: (root) => put(root, 'etc/ssh/ssh_host_ed25519_key', 'k'),
  },
  {
    title: "somebody's key",
    fails: 'no-authorized-keys',
    inject: (root) => put(root, 'root/.ssh/authorized_keys', 'ssh-ed25519 AAAA\n'),
  },
  {
    title: 'an id of the machine',
    fails: 'no-machine-id',
    inject: (root) => put(root, 'etc/machine-id', `${'0a'.repeat(16)}\n`),
  },
  {
    title: 'a seed of chance',
    fails: 'no-shared-seed',
    inject: (root) => put(root, 'var/lib/systemd/random-seed', 's'),
  },
  {
    title: 'what cloud-init knew',
    fails: 'no-cloud-state',
    inject: (root) => put(root, 'var/lib/cloud/instance/user-data.txt', 'x'),
  },
  { title: 'a history', fails: 'no-history', inject: (root) => put(root, 'root/.bash_history', 'ls\n') },
  { title: 'a log', fails: 'no-logs', inject: (root) => put(root, 'var/log/dpkg.log', 'installed\n') },
  {
    title: 'lists of an archive',
    fails: 'no-caches',
    inject: (root) => put(root, 'var/lib/apt/lists/a_Packages', 'x'),
  },
  {
    title: 'an installation that it belongs to',
    fails: 'no-installation',
    inject: (root) => put(root, 'etc/pgctl/installation.yaml', '{}'),
  },
]

async function tooManyPackages(root: string): Promise<void> {
  for (let number = 0; number < 100; number += 1) await installed(`filler-${number}`, '1')(root)
}
