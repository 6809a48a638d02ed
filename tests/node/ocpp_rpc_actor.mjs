// A foreign peer made of the npm package `ocpp-rpc` in strict mode, driven by JSON lines.
//
//     node ocpp_rpc_actor.mjs central-system [PORT]
//     node ocpp_rpc_actor.mjs charge-points
//
// The language of the lines is described in tests/strangers/strangers.py.

import { once } from 'node:events';
import { createInterface } from 'node:readline';
import rpc from 'ocpp-rpc';

const { RPCClient, RPCServer, NOREPLY, createRPCError } = rpc;
const STRICT = { protocols: ['ocpp1.6'], strictMode: true, callTimeoutMs: 20_000 };

const answers = new Map(); // identity or null -> { action: answer }
const refusals = new Map(); // identity or null -> HTTP status
const peers = new Map(); // identity -> client
let transactionId = 0;

function report(event, facts = {}) {
    process.stdout.write(JSON.stringify({ event, ...facts }) + '\n');
}

// The next answer: a peer's own before everybody's, a list one after the other.
function scripted(peer, action) {
    for (const whose of [peer, null]) {
        const answer = answers.get(whose)?.[action];
        if (Array.isArray(answer)) return answer.length > 1 ? answer.shift() : answer[0];
        if (answer !== undefined) return answer;
    }
    return undefined;
}

function filled(value) {
    if (value === '$now') return new Date().toISOString();
    if (value === '$transaction') return ++transactionId;
    if (Array.isArray(value)) return value.map(filled);
    if (value !== null && typeof value === 'object') {
        return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, filled(item)]));
    }
    return value;
}

function listen(client) {
    const peer = client.identity;
    client.handle(({ messageId, method, params }) => {
        report('call', { peer, id: messageId, action: method, payload: params });
        const answer = scripted(peer, method);
        if (answer === undefined) throw createRPCError('NotImplemented', method);
        if (answer.$error) throw createRPCError(...answer.$error);
        const payload = filled(answer.$silence ?? answer);
        report('answered', { peer, action: method, payload });
        return answer.$silence ? NOREPLY : payload;
    });
    client.on('strictValidationFailure', ({ method, params, result, error }) => {
        const what = `${method} ${JSON.stringify(result ?? params)}: ${error.message} `;
        report('fault', { peer, what: what + JSON.stringify(error.details ?? {}) });
    });
    client.on('badMessage', ({ buffer, error }) => {
        report('fault', { peer, what: `${buffer}: ${error.message}`.slice(0, 500) });
    });
    client.on('disconnect', ({ code, reason }) => {
        report('disconnected', { peer, code, reason: String(reason ?? '') });
        if (peers.get(peer) === client) peers.delete(peer);
    });
    peers.set(peer, client);
}

async function welcomeOn(port) {
    const server = new RPCServer({ ...STRICT, pingIntervalMs: 0 });
    server.auth((accept, reject, { identity }) => {
        const status = refusals.get(identity) ?? refusals.get(null);
        if (status === undefined || status === null) return accept();
        report('turned away', { peer: identity, status });
        return reject(status, 'refused by script');
    });
    server.on('client', (client) => {
        const { headers, request } = client.handshake;
        report('connected', {
            peer: client.identity,
            path: request.url,
            subprotocol: client.protocol,
            authorization: headers.authorization ?? null,
        });
        listen(client);
    });
    const http = await server.listen(port, '127.0.0.1');
    report('listening', { port: http.address().port });
}

async function visit({ connect: identity, url, password }) {
    const client = new RPCClient({
        ...STRICT,
        endpoint: url,
        identity,
        password: password === undefined ? null : Buffer.from(password, 'hex'),
        reconnect: false,
        pingIntervalMs: 0,
    });
    try {
        listenOnceOpen(client);
        await client.connect();
    } catch (problem) {
        const status = typeof problem.code === 'number' ? problem.code : null;
        report('turned away', { peer: identity, status, what: problem.message });
    }
}

function listenOnceOpen(client) {
    client.once('open', () => {
        report('connected', { peer: client.identity, subprotocol: client.protocol });
        listen(client);
    });
}

async function perform(client, { call: action, payload, ref }) {
    const peer = client.identity;
    try {
        report('answer', { peer, ref, payload: await client.call(action, payload ?? {}) });
    } catch (problem) {
        const code = problem.rpcErrorCode ?? problem.name;
        report('error', { peer, ref, code, description: problem.message });
    }
}

function obey(line) {
    const to = line.to ?? null;
    if (line.answer) answers.set(to, { ...answers.get(to), ...line.answer });
    if ('refuse' in line) refusals.set(to, line.refuse);
    if (line.answer || 'refuse' in line) return report('scripted', { ref: line.ref });
    if (line.connect) return visit(line);
    const client = peers.get(to);
    if (!client) {
        return report('error', { peer: to, ref: line.ref, code: 'NotConnected', description: '' });
    }
    if (line.call) return perform(client, line);
    if (line.send) return client.sendRaw(line.send);
    if (line.close) return client.close({ code: line.close });
    if (line.abort) return client.close({ force: true });
    return report('fault', { what: `unknown command ${JSON.stringify(line)}` });
}

process.on('unhandledRejection', (problem) => {
    report('fault', { what: `actor: ${problem?.stack ?? problem}` });
});

const [role, port] = process.argv.slice(2);
if (role === 'central-system') await welcomeOn(Number(port ?? 0));
else report('ready');
const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => obey(JSON.parse(line)));
await once(lines, 'close');
process.exit(0);
