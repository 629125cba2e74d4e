// The vendors' own clients: node client.js VENDOR URL KEY EVENTS, prints one outcome per event.
const [vendor, url, key, given] = process.argv.slice(2)
const events = JSON.parse(given)

async function segment () {
  const { Analytics } = require('@segment/analytics-node')
  const { origin, pathname } = new URL(url)
  const where = { host: origin, path: pathname }
  const client = new Analytics({ writeKey: key, ...where, flushAt: events.length, maxRetries: 3 })
  client.on('error', () => {})
  const told = events.map(event => new Promise(resolve => {
    const message = { ...event, timestamp: new Date(event.timestamp) }
    client.track(message, error => resolve(error ? 'failed' : 'delivered'))
  }))
  await client.closeAndFlush()
  return Promise.all(told)
}

async function amplitude () {
  const { createInstance } = require('@amplitude/analytics-node')
  const client = createInstance()
  // a flush that is asked for is not retried: only the one of its own timer
  const timing = { flushQueueSize: events.length + 1, flushIntervalMillis: 200, flushMaxRetries: 5 }
  const options = { serverUrl: url, logLevel: 0, ...timing }
  await client.init(key, options).promise
  const told = events.map(event => client.track(event).promise)
  return (await Promise.all(told)).map(one => one.code)
}

const run = { segment, amplitude }[vendor]
run().then(outcomes => {
  console.log(JSON.stringify(outcomes))
  process.exit(0)
})
