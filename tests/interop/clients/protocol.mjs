// What a client under test says and hears: one JSON object per line.
// Out: {"connected":true}, then twice a second {"video":{identity:frames},"audio":{…},"data":{…},"size":{…}}, {"error":text}.
// In:  {"do":name}; the end of input ends the client.
import { createInterface } from 'node:readline';

export const job = JSON.parse(process.argv[2]);

export function say(message) {
  process.stdout.write(JSON.stringify(message) + '\n');
}

export function hear(actions) {
  const lines = createInterface({ input: process.stdin });
  lines.on('line', async (line) => {
    const { do: name } = JSON.parse(line);
    try {
      await actions[name]();
      say({ done: name });
    } catch (error) {
      say({ error: `${name}: ${error?.stack ?? error}` });
    }
  });
  lines.on('close', async () => {
    await actions.end();
    process.exit(0);
  });
}

process.on('unhandledRejection', (error) => say({ error: `${error?.stack ?? error}` }));
