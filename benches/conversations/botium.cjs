// Three-turn conversations with an echo bot in this process, by botium-core.
// node botium.cjs SECONDS PARALLEL; prints {"conversations", "tookS", "timesMs"}.
const { BotDriver, Capabilities } = require('botium-core');

const [seconds, parallel] = process.argv.slice(2).map(Number);
const CONVO = `echo

#me
hello there

#bot
You said: hello there

#me
where is my order

#bot
You said: where is my order

#me
thank you

#bot
You said: thank you
`;

class Echo {
  constructor({ queueBotSays }) {
    this.queueBotSays = queueBotSays;
  }

  UserSays({ messageText }) {
    setImmediate(() => this.queueBotSays({ messageText: `You said: ${messageText}` }));
  }
}

async function lane(end, times) {
  const driver = new BotDriver().setCapability(Capabilities.PROJECTNAME, 'bench');
  driver.setCapability(Capabilities.CONTAINERMODE, (args) => new Echo(args));
  const compiler = driver.BuildCompiler();
  const [convo] = compiler.Compile(Buffer.from(CONVO), 'SCRIPTING_FORMAT_TXT');
  const container = await driver.Build();
  while (performance.now() < end) {
    const begun = performance.now();
    await container.Start();
    await convo.Run(container);
    await container.Stop();
    times.push(performance.now() - begun);
  }
  await container.Clean();
}

async function main() {
  const times = [];
  const begun = performance.now();
  await Promise.all(Array.from({ length: parallel }, () => lane(begun + seconds * 1000, times)));
  console.log(JSON.stringify({ conversations: times.length, tookS: (performance.now() - begun) / 1000, timesMs: times }));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
