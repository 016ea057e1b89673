// What drives browsers, for every suite, in the one version of each that apps/web/package.json pins: Playwright for Chromium, Puppeteer for
// Firefox. Playwright cannot drive the Firefox of a distribution (it wants builds of its own, and over WebDriver BiDi a command,
// emulation.setMediaFeaturesOverride, that ESR lacks); Puppeteer could drive both, but finds a control only by its exact name and takes the
// first of several, where a scene must fail.
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

/** Finds the packages of apps/web. */
export const require = createRequire(fileURLToPath(new URL("../../../apps/web/package.json", import.meta.url)));

export const { chromium } = require("playwright-core");
export const { AxeBuilder } = require("@axe-core/playwright");
const puppeteer = require("puppeteer-core");

const chromiumPath = process.env.CHROMIUM ?? "/usr/lib/chromium/chromium";
const firefoxPath = process.env.FIREFOX ?? "/usr/bin/firefox-esr";

/** Nothing in the background, no throttling, sound without a click, pages on localhost that may reach the test's network. */
const chromiumFlags = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--no-default-browser-check", "--disable-background-networking", "--disable-component-update",
  "--disable-sync", "--disable-extensions", "--disable-background-timer-throttling", "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows",
  "--autoplay-policy=no-user-gesture-required", "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests",
];

/** Camera and microphone of Chromium's own, granted without a question. */
export const chromiumFakes = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"];

/** How to start Chromium, with more of its flags. */
export const chromiumOptions = (flags) => ({ executablePath: chromiumPath, ignoreDefaultArgs: ["--mute-audio"], args: [...chromiumFlags, ...flags] });

/** The size of a person's screen. */
export const desktop = { width: 1360, height: 820 };

/** Firefox with a camera and a microphone of its own, granted without a question. */
export const launchFirefox = () =>
  puppeteer.launch({
    browser: "firefox",
    executablePath: firefoxPath,
    headless: true,
    defaultViewport: desktop,
    extraPrefsFirefox: {
      "media.navigator.streams.fake": true,
      "media.navigator.permission.disabled": true,
      "media.autoplay.default": 0,
      "media.autoplay.blocking_policy": 0,
      "media.peerconnection.ice.obfuscate_host_addresses": false,
    },
  });
