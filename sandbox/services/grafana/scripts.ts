/** The scripts that run in the browser. */

/** Sends the login form, and shows a refusal beside it. */
export const LOGIN_SCRIPT = `
const form = document.querySelector('form')
const alertLine = document.querySelector('[role=alert]')
form.addEventListener('submit', async (event) => {
  event.preventDefault()
  const answer = await fetch('/login', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(Object.fromEntries(new FormData(form))),
  })
  const body = await answer.json()
  if (answer.ok) location.assign(body.redirectUrl)
  else alertLine.textContent = body.message
})
`.trimStart()

/** Draws the panels from the live WebSocket, and comes back to it when the tunnel does. */
export const DASHBOARD_SCRIPT = `
const WINDOW = 120
const series = new Map()
const live = document.querySelector('.live')

function path(points, top) {
  const step = 600 / (WINDOW - 1)
  const start = 600 - (points.length - 1) * step
  return points
    .map((value, index) => (index ? 'L' : 'M') + (start + index * step).toFixed(1) + ' ' + (170 - (value / top) * 160).toFixed(1))
    .join('')
}

function draw() {
  for (const chart of document.querySelectorAll('svg.chart')) {
    const lines = [...chart.querySelectorAll('path[data-series]')]
    const known = lines.map((line) => series.get(line.dataset.series) ?? [])
    const top = Math.max(1, ...known.flat()) * 1.1
    lines.forEach((line, index) => line.setAttribute('d', path(known[index], top)))
  }
  for (const value of document.querySelectorAll('[data-last]')) {
    const points = series.get(value.dataset.last)
    if (points) value.textContent = points.at(-1).toFixed(1)
  }
}

function take(update) {
  for (const [name, value] of Object.entries(update.values)) {
    const points = series.get(name) ?? []
    points.push(value)
    if (points.length > WINDOW) points.shift()
    series.set(name, points)
  }
}

function follow() {
  const socket = new WebSocket(location.origin.replace(/^http/, 'ws') + '/api/live/ws')
  socket.onopen = () => { live.classList.add('on'); live.textContent = 'live' }
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data)
    if (message.type === 'history') series.clear()
    for (const update of message.updates) take(update)
    draw()
  }
  socket.onclose = () => {
    live.classList.remove('on')
    live.textContent = 'reconnecting'
    setTimeout(follow, 2000)
  }
}

window.addEventListener('load', () => {
  document.querySelector('#plugins').textContent = String((window.panelPlugins ?? []).length)
  follow()
})
`.trimStart()
