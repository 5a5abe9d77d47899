const { DateTime } = require('luxon');
const _ = require('lodash');

class MemoryStore {
  constructor() {
    this.events = new Map();
  }

  add(number, event) {
    const at = event.at || DateTime.utc().toISO();
    this.events.set(number, [...(this.events.get(number) || []), { ...event, at }]);
  }

  find(number) {
    const events = this.events.get(number);
    return events && { number, events: _.sortBy(events, 'at'), status: _.last(_.sortBy(events, 'at')).status };
  }
}

module.exports = { MemoryStore };
