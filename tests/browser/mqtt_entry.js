// What browserify makes one file for browsers of: Debian's MQTT.js as window.mqtt.
window.mqtt = require('mqtt');
