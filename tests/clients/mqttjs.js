// MQTT.js as its users have it: it comes back by itself and keeps what is not sent yet.
// usage: mqttjs.js PORT ID VERSION clean|keep [WILL_TOPIC]    the lines in and out: see process.py
'use strict';

const mqtt = require('mqtt');
const readline = require('readline');

const expiryS = 3600;
const versions = { '3.1': ['MQIsdp', 3], '3.1.1': ['MQTT', 4], '5': ['MQTT', 5] };
const [port, clientId, version, session, willTopic] = process.argv.slice(2);
const [protocolId, protocolVersion] = versions[version];
const clean = session === 'clean';

function say(...words) {
  console.log(words.join(' '));
}

const client = mqtt.connect({
  host: '127.0.0.1',
  port: Number(port),
  clientId,
  protocolId,
  protocolVersion,
  clean,
  properties: version === '5' ? { sessionExpiryInterval: clean ? 0 : expiryS } : undefined,
  will: willTopic ? { topic: willTopic, payload: 'gone', qos: 1, retain: false } : undefined,
});
client.on('connect', (connack) => say('up', connack.sessionPresent ? 1 : 0));
client.on('close', () => say('down'));
client.on('error', (error) => say('error', error.message));
client.on('message', (topic, payload, packet) => say('message', topic, payload, packet.qos, packet.retain ? 1 : 0));

const commands = {
  subscribe: (filter, qos) => client.subscribe(filter, { qos: Number(qos) }, (error) => say(error || 'subscribed')),
  publish: (topic, payload, qos, retain) =>
    client.publish(topic, payload, { qos: Number(qos), retain: retain === '1' }, (error) =>
      say(error || `published ${payload}`)),
  leave: () => client.end(false, () => {
    say('left');
    process.exit(0);
  }),
};
readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const [command, ...words] = line.split(' ');
  commands[command](...words);
});
