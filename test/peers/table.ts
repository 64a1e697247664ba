/** Other people's programs that the tests meet, each pinned, and how it is come by. One table: what is not here is not a peer. */

/** How a program is made. */
export type Recipe =
  /** `go build` of one package of a module, in a module of our own that requires it. */
  | { readonly kind: 'go'; readonly module: string; readonly package: string; readonly ldflags?: string }
  /** A package with a `Main` function only, which a main of ours calls. */
  | { readonly kind: 'go-main'; readonly module: string; readonly package: string; readonly call: string }
  /** A command of Kubernetes' own module, which refuses to be required as it is. */
  | { readonly kind: 'kubernetes' }
  /** The main package of a module that replaces others, built in a copy of its own tree; `sum` is the module's. */
  | { readonly kind: 'go-tree'; readonly module: string; readonly sum: string }
  /** A virtual environment; `module` is what `python -m` runs. */
  | {
      readonly kind: 'pip'
      readonly requirements: readonly string[]
      /** What it does more with; part of the environment's name, so that one without is not taken for it. */
      readonly beside?: readonly string[]
      readonly module: string
    }
  /** A Rust program of ours around another project's crate. */
  | { readonly kind: 'cargo'; readonly source: string }
  /** The tree of the bastion's image, by the lock and the scripts of `packer/`. */
  | { readonly kind: 'image' }
  /** A package of Debian; `paths` is where it puts the program, with `*` for a version. */
  | {
      readonly kind: 'apt'
      readonly package: string
      readonly paths: readonly string[]
      /** What is looked for is a file, and no program. */
      readonly file?: boolean
    }

export interface Peer {
  readonly name: string
  /** The one that is installed; of a Debian package, whatever the system has. */
  readonly version: string
  readonly recipe: Recipe
}

const kubernetes = (name: string): Peer => ({ name, version: '1.36.3', recipe: { kind: 'kubernetes' } })

const debian = (name: string, pack: string, ...paths: string[]): Peer => ({
  name,
  version: "the system's",
  recipe: { kind: 'apt', package: pack, paths },
})

/** A package whose file is no program: firmware, which an emulator runs. */
const firmware = (pack: string, path: string): Peer => ({
  name: pack,
  version: "the system's",
  recipe: { kind: 'apt', package: pack, paths: [path], file: true },
})

export const PEERS = [
  // What other tests wait for comes first.
  kubernetes('kubectl'),
  {
    name: 'stern',
    version: '1.34.0',
    recipe: { kind: 'go', module: 'github.com/stern/stern', package: 'github.com/stern/stern' },
  },
  kubernetes('kube-apiserver'),
  kubernetes('kube-controller-manager'),
  {
    name: 'etcd',
    version: '3.6.16',
    recipe: {
      kind: 'go-main',
      module: 'go.etcd.io/etcd/server/v3',
      package: 'go.etcd.io/etcd/server/v3/etcdmain',
      call: 'etcdmain.Main(os.Args)',
    },
  },
  {
    name: 'kwok',
    version: '0.7.0',
    recipe: { kind: 'go', module: 'sigs.k8s.io/kwok', package: 'sigs.k8s.io/kwok/cmd/kwok' },
  },
  {
    name: 'helm',
    version: '3.20.2',
    recipe: {
      kind: 'go',
      module: 'helm.sh/helm/v3',
      package: 'helm.sh/helm/v3/cmd/helm',
      ldflags: '-X helm.sh/helm/v3/internal/version.version=v3.20.2',
    },
  },
  // Packer is under the Business Source License: tests call it, and nothing of it is shipped.
  {
    name: 'packer',
    version: '1.16.0',
    recipe: {
      kind: 'go-tree',
      module: 'github.com/hashicorp/packer',
      sum: 'h1:+e9/aNeyZuEGm9fGre3wfg2BNnj1AQj5HzboO4iEYuY=',
    },
  },
  // The one that packer/bastion.pkr.hcl names; a test compares.
  {
    name: 'packer-plugin-amazon',
    version: '1.8.2',
    recipe: {
      kind: 'go-tree',
      module: 'github.com/hashicorp/packer-plugin-amazon',
      sum: 'h1:fNNWpbfky9+KY9+qZWgfTGjdDUOvVag8rC3gEUWkjOY=',
    },
  },
  {
    name: 'aws',
    version: '1.46.3',
    recipe: { kind: 'pip', requirements: ['awscli==1.46.3'], module: 'awscli' },
  },
  {
    name: 'moto',
    version: '5.2.5',
    recipe: { kind: 'pip', requirements: ['moto[server]==5.2.5', 'boto3==1.43.106'], module: 'moto.server' },
  },
  {
    name: 'ministack',
    version: '1.5.33',
    recipe: {
      kind: 'pip',
      requirements: ['ministack==1.5.33'],
      // Without it there are no keys that sign.
      beside: ['cryptography==50.0.2'],
      module: 'ministack',
    },
  },
  {
    name: 'cfn-lint',
    version: '1.58.0',
    recipe: { kind: 'pip', requirements: ['cfn-lint==1.58.0'], module: 'cfnlint.runner.cli' },
  },
  { name: 'ssm-bridge', version: '0.6.0', recipe: { kind: 'cargo', source: 'ssm-bridge' } },
  // The tree is made with the first, and run by the second.
  debian('mmdebstrap', 'mmdebstrap', '/usr/bin/mmdebstrap'),
  debian('systemd-nspawn', 'systemd-container', '/usr/bin/systemd-nspawn'),
  debian('jq', 'jq', '/usr/bin/jq'),
  debian('gpg', 'gpg', '/usr/bin/gpg'),
  debian('dnsmasq', 'dnsmasq-base', '/usr/sbin/dnsmasq'),
  debian('shellcheck', 'shellcheck', '/usr/bin/shellcheck'),
  debian('bats', 'bats', '/usr/bin/bats'),
  // What the build of an AMI finds on its instance.
  debian('sudo', 'sudo', '/usr/bin/sudo'),
  debian('sfdisk', 'fdisk', '/usr/sbin/sfdisk'),
  debian('mkfs.vfat', 'dosfstools', '/usr/sbin/mkfs.vfat'),
  debian('mcopy', 'mtools', '/usr/bin/mcopy'),
  // The disk that comes of it is booted by these.
  debian('qemu-system-x86_64', 'qemu-system-x86', '/usr/bin/qemu-system-x86_64'),
  firmware('ovmf', '/usr/share/OVMF/OVMF_CODE_4M.fd'),
  debian('lynis', 'lynis', '/usr/sbin/lynis', '/usr/bin/lynis'),
  { name: 'bastion-tree', version: '1.1.0', recipe: { kind: 'image' } },
  debian('prometheus', 'prometheus', '/usr/bin/prometheus'),
  debian('postgres', 'postgresql', '/usr/lib/postgresql/*/bin/postgres'),
  debian('psql', 'postgresql-client', '/usr/bin/psql'),
  debian('redis-cli', 'redis-tools', '/usr/bin/redis-cli'),
  debian('redis-server', 'redis-server', '/usr/bin/redis-server'),
  debian('sshd', 'openssh-server', '/usr/sbin/sshd'),
  debian('ssh', 'openssh-client', '/usr/bin/ssh'),
  debian('rsync', 'rsync', '/usr/bin/rsync'),
  debian('git', 'git', '/usr/bin/git'),
  debian('curl', 'curl', '/usr/bin/curl'),
  debian('chromium', 'chromium', '/usr/bin/chromium'),
  debian('restic', 'restic', '/usr/bin/restic'),
] as const satisfies readonly Peer[]

export type PeerName = (typeof PEERS)[number]['name']

export const peerNamed = (name: string): Peer | undefined => PEERS.find((peer) => peer.name === name)
