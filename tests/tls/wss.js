// MQTT.js over wss, the authority given: a message to itself.
// usage: wss.js URL CA_FILE    prints "received PAYLOAD"
'use strict';

const fs = require('fs');
const mqtt = require('mqtt');

const [url, caFile] = process.argv.slice(2);
const client = mqtt.connect(url, { ca: fs.readFileSync(caFile), protocolVersion: 5, reconnectPeriod: 0 });
client.on('error', (error) => {
  console.log(`error ${error.message}`);
  process.exit(1);
});
client.on('connect', () => {
  client.subscribe('wss/test', { qos: 1 }, () => client.publish('wss/test', 'hello', { qos: 1 }));
});
client.on('message', (topic, payload) => {
  console.log(`received ${payload}`);
  client.end();
});
