/** The HTML of the dashboard service. */

import { WORLD } from '#sandbox/world.ts'
import type { Asset } from './assets.ts'

const STATS = [
  ['hermes.rate', 'Hermes requests', '/s'],
  ['cerberus.rate', 'Cerberus requests', '/s'],
  ['hermes.p95', 'Hermes p95', 'ms'],
  ['queue.depth', 'Jobs waiting', ''],
] as const

const CHARTS = [
  ['wide', 'Requests a second', ['hermes.rate', 'cerberus.rate']],
  ['half', 'Response time p95', ['hermes.p95', 'cerberus.p95']],
  ['half', 'Queue', ['queue.depth']],
] as const

/** The page that asks who is there. */
export function loginPage(assets: readonly Asset[]): string {
  return page(
    'Sign in',
    iconOf(assets),
    assets.filter(({ path }) => /\/(login|theme-(base|forms))\./.test(path)),
    `<main class="login">
  <form method="post" action="/login">
    <h1>Monitoring</h1>
    <p>${WORLD.workspace}</p>
    <label>User <input name="user" autocomplete="username" required autofocus></label>
    <label>Password <input name="password" type="password" autocomplete="current-password" required></label>
    <div role="alert"></div>
    <button>Sign in</button>
  </form>
</main>`,
  )
}

/** The overview, which loads every asset but the login's. */
export function dashboardPage(assets: readonly Asset[]): string {
  const icons = assets.filter(({ path }) => path.endsWith('.svg'))
  return page(
    'Overview',
    iconOf(assets),
    assets.filter(({ path }) => !/\/login\.|\.svg$/.test(path)),
    `<header><h1>Monitoring</h1><span class="crumbs">${WORLD.workspace} / overview</span>
  <span class="live">connecting</span></header>
<main class="board">
${STATS.map(([series, title, unit]) => stat(series, title, unit)).join('\n')}
${CHARTS.map(([size, title, series]) => chart(size, title, series)).join('\n')}
  <section class="panel wide"><h2>Plugins (<span id="plugins">0</span> loaded)</h2>
    <div class="icons">${icons.map(({ path }) => `<img src="${path}" alt="">`).join('')}</div></section>
</main>`,
  )
}

function stat(series: string, title: string, unit: string): string {
  return `  <section class="panel stat"><h2>${title}</h2>
    <span class="value" data-last="${series}">–</span><span class="unit">${unit}</span></section>`
}

function chart(size: string, title: string, series: readonly string[]): string {
  const lines = series.map(
    (name) =>
      `<path data-series="${name}" fill="none" stroke="var(--${colourOf(name)})" stroke-width="1.8"/>`,
  )
  const legend = series.map(
    (name) => `<span><i style="background:var(--${colourOf(name)})"></i>${name.replace('.', ' ')}</span>`,
  )
  return `  <section class="panel ${size}"><h2>${title}</h2>
    <svg class="chart" viewBox="0 0 600 180" preserveAspectRatio="none">${lines.join('')}</svg>
    <div class="legend">${legend.join('')}</div></section>`
}

function colourOf(series: string): string {
  const [source] = series.split('.')
  return source === 'queue' ? 'payload' : (source ?? 'payload')
}

/** Without one of the page's own, browsers ask for `/favicon.ico`. */
function iconOf(assets: readonly Asset[]): Asset | undefined {
  return assets.find(({ path }) => path.includes('/icon-gauge.'))
}

function page(title: string, icon: Asset | undefined, assets: readonly Asset[], body: string): string {
  const styles = assets.filter(({ path }) => path.endsWith('.css'))
  const scripts = assets.filter(({ path }) => path.endsWith('.js'))
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Monitoring</title>
<link rel="icon" type="image/svg+xml" href="${icon?.path}">
${styles.map(({ path }) => `<link rel="stylesheet" href="${path}">`).join('\n')}
${scripts.map(({ path }) => `<script src="${path}" defer></script>`).join('\n')}
</head>
<body>
${body}
</body>
</html>
`
}
