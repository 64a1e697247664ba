import { isIP } from 'node:net'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import type { ClusterAccess } from '#core/kube/cluster-access.ts'

/** What a TLS client must know to talk to one cluster and to no other. */
export interface ClusterTls {
  readonly ca: string
  readonly servername: string
  readonly rejectUnauthorized: true
  readonly minVersion: 'TLSv1.2'
  checkServerIdentity(host: string, certificate: PeerCertificate): Error | undefined
}

/**
 * TLS settings that check the certificate against the cluster's own authority and real name. The name asked for on
 * the wire is that name too, except where it is an address, which SNI cannot carry.
 */
export function clusterTls(access: ClusterAccess): ClusterTls {
  return {
    ca: access.ca,
    servername: isIP(access.tlsServerName) === 0 ? access.tlsServerName : '',
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    checkServerIdentity: (_, certificate) => checkServerIdentity(access.tlsServerName, certificate),
  }
}
