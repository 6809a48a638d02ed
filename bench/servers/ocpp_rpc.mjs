// A central system of the npm package `ocpp-rpc` in strict mode.
// The package is found in the folder given as the first argument (tests/node).

import { createRequire } from 'node:module';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const { RPCServer } = createRequire(process.argv[2])('ocpp-rpc');
const stations = [];
let transactionId = 0;

const now = () => new Date().toISOString();
const accepted = { idTagInfo: { status: 'Accepted' } };
const answers = {
    BootNotification: () => ({ status: 'Accepted', currentTime: now(), interval: 300 }),
    Heartbeat: () => ({ currentTime: now() }),
    StatusNotification: () => ({}),
    Authorize: () => accepted,
    StartTransaction: () => ({ transactionId: ++transactionId, ...accepted }),
    MeterValues: () => ({}),
    StopTransaction: () => ({}),
};

const server = new RPCServer({ protocols: ['ocpp1.6'], strictMode: true, pingIntervalMs: 0 });
server.on('client', (client) => {
    stations.push(client);
    for (const [action, answer] of Object.entries(answers)) client.handle(action, answer);
});
const http = await server.listen(0, '127.0.0.1', { backlog: 4096 });
console.log(JSON.stringify({ listening: http.address().port }));

const lines = createInterface({ input: process.stdin });
lines.on('line', async (line) => {
    const latencies = [];
    for (let turn = 0; turn < JSON.parse(line).call; turn += 1) {
        const begin = process.hrtime.bigint();
        await stations[turn % stations.length].call('ClearCache', {});
        latencies.push(Number(process.hrtime.bigint() - begin) / 1000);
    }
    console.log(JSON.stringify({ latencies_us: latencies }));
});
await once(lines, 'close');
process.exit(0);
