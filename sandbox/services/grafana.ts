/**
 * A web service with the manners of Grafana: health without a login, everything else behind a cookie, a page of
 * many assets, and a live WebSocket. What tunnels meet when a person opens a dashboard.
 */

import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '#core/clock.ts'
import { systemClock } from '#core/io/system-clock.ts'
import { type Asset, buildAssets } from './grafana/assets.ts'
import { startLiveFeed } from './grafana/live.ts'
import { dashboardPage, loginPage } from './grafana/pages.ts'
import { type RunningService, refuseUpgrade, sendJson, startHttpService, urlOf } from './http-service.ts'

export interface GrafanaOptions {
  readonly port?: number
  /** Drives the live updates. */
  readonly clock?: Clock
  /** Who may sign in; `admin` with the password `admin` unless told otherwise. */
  readonly login?: { readonly user: string; readonly password: string }
}

const DASHBOARD = '/d/overview/overview'
const COOKIE = 'grafana_session'
const BODY_LIMIT = 16 * 1024
const UNAUTHORIZED = { message: 'Unauthorized', messageId: 'auth.unauthorized', statusCode: 401, traceID: '' }

/** Starts the dashboard service on loopback. */
export async function startGrafana(options: GrafanaOptions = {}): Promise<RunningService> {
  const feed = startLiveFeed(options.clock ?? systemClock)
  const assets = buildAssets()
  const site: Site = {
    login: options.login ?? { user: 'admin', password: 'admin' },
    sessions: new Set(),
    assets: new Map(assets.map((asset) => [asset.path, asset])),
    loginPage: loginPage(assets),
    dashboardPage: dashboardPage(assets),
  }
  const service = await startHttpService({
    port: options.port,
    handle: (request, response) => route(site, request, response),
    upgrade(request, socket, head) {
      if (urlOf(request).pathname !== '/api/live/ws') refuseUpgrade(socket, 404, { message: 'Not found' })
      else if (!hasSession(site, request)) refuseUpgrade(socket, 401, UNAUTHORIZED)
      else feed.accept(request, socket, head)
    },
  })
  return {
    port: service.port,
    async [Symbol.asyncDispose]() {
      feed.close()
      await service[Symbol.asyncDispose]()
    },
  }
}

interface Site {
  readonly login: { readonly user: string; readonly password: string }
  readonly sessions: Set<string>
  readonly assets: ReadonlyMap<string, Asset>
  readonly loginPage: string
  readonly dashboardPage: string
}

async function route(site: Site, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname } = urlOf(request)
  const asset = site.assets.get(pathname)
  if (asset) return sendAsset(asset, request, response)
  if (pathname === '/login' && request.method === 'POST') return logIn(site, request, response)
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return sendJson(response, 405, { message: 'Method not allowed' }, { allow: 'GET, HEAD' })
  const known = hasSession(site, request)
  switch (pathname) {
    case '/api/health':
      return sendJson(response, 200, { database: 'ok', version: '12.3.1', commit: '5f3a9c07e1' })
    case '/login':
      return known ? redirect(response, '/') : sendPage(response, site.loginPage)
    case '/':
      return redirect(response, known ? DASHBOARD : '/login')
    case DASHBOARD:
      return known ? sendPage(response, site.dashboardPage) : redirect(response, '/login')
    case '/logout':
      site.sessions.delete(sessionOf(request))
      return redirect(response, '/login', `${COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax`)
    case '/api/user':
      return known
        ? sendJson(response, 200, { login: site.login.user })
        : sendJson(response, 401, UNAUTHORIZED)
    default:
      return sendJson(response, 404, { message: 'Not found' })
  }
}

function sessionOf(request: IncomingMessage): string {
  const pairs = (request.headers.cookie ?? '').split(/;\s*/).map((pair) => pair.split('='))
  return pairs.find(([name]) => name === COOKIE)?.[1] ?? ''
}

function hasSession(site: Site, request: IncomingMessage): boolean {
  return site.sessions.has(sessionOf(request))
}

async function logIn(site: Site, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const given = await readCredentials(request)
  if (given === undefined) return sendJson(response, 400, { message: 'bad login data' })
  if (given['user'] !== site.login.user || given['password'] !== site.login.password)
    return sendJson(response, 401, {
      message: 'Invalid username or password',
      messageId: 'password-auth.failed',
      statusCode: 401,
      traceID: '',
    })
  const session = randomBytes(16).toString('hex')
  site.sessions.add(session)
  const cookie = `${COOKIE}=${session}; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax`
  if (isForm(request)) return redirect(response, '/', cookie)
  sendJson(response, 200, { message: 'Logged in', redirectUrl: '/' }, { 'set-cookie': cookie })
}

function isForm(request: IncomingMessage): boolean {
  return request.headers['content-type']?.startsWith('application/x-www-form-urlencoded') ?? false
}

/** User and password of a login request, JSON or form; undefined when it holds neither. */
async function readCredentials(request: IncomingMessage): Promise<Record<string, unknown> | undefined> {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk
    if (text.length > BODY_LIMIT) return undefined
  }
  if (isForm(request)) return Object.fromEntries(new URLSearchParams(text))
  try {
    const body: unknown = JSON.parse(text)
    return typeof body === 'object' && body !== null ? { ...body } : undefined
  } catch {
    return undefined
  }
}

function sendAsset(asset: Asset, request: IncomingMessage, response: ServerResponse): void {
  const headers = { etag: asset.etag, 'cache-control': 'public, max-age=31536000, immutable' }
  if (request.headers['if-none-match'] === asset.etag) {
    response.writeHead(304, headers).end()
    return
  }
  response.writeHead(200, { ...headers, 'content-type': asset.type, 'content-length': asset.body.length })
  response.end(request.method === 'HEAD' ? undefined : asset.body)
}

function sendPage(response: ServerResponse, html: string): void {
  response.writeHead(200, {
    'content-type': 'text/html; charset=utf-8',
    'content-length': Buffer.byteLength(html),
    'cache-control': 'no-store',
    'x-frame-options': 'deny',
    'content-security-policy': "default-src 'self'; style-src 'self' 'unsafe-inline'",
  })
  response.end(response.req.method === 'HEAD' ? undefined : html)
}

function redirect(response: ServerResponse, location: string, cookie?: string): void {
  if (cookie) response.setHeader('set-cookie', cookie)
  response.writeHead(302, { location, 'cache-control': 'no-store', 'content-length': 0 }).end()
}
