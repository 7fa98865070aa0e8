// Baseline of the benchmark: http-proxy as shipped, with a keep-alive agent and nothing else.
import http from 'node:http';
import util from 'node:util';

util._extend = Object.assign;
const { default: httpProxy } = await import('http-proxy');
const proxy = httpProxy.createProxyServer({
  target: process.argv[2],
  agent: new http.Agent({ keepAlive: true }),
});
proxy.on('error', (_, __, response) => response.destroy());
const server = http.createServer((request, response) => proxy.web(request, response));
server.listen(0, '127.0.0.1', () => {
  console.log(`proxy listening on http://127.0.0.1:${server.address().port}`);
});
