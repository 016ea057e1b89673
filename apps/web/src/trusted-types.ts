// The page's one Trusted Types policy, "conclave". Whoever needs markup or a worker from a string asks here; nothing else can.

interface Policy {
  createHTML(markup: string): string;
  createScriptURL(url: string): string;
}

// Browsers without Trusted Types take the strings themselves.
const factory = (globalThis as { trustedTypes?: { createPolicy(name: string, rules: Policy): Policy } }).trustedTypes;

const rules: Policy = {
  createHTML: (markup) => markup,
  createScriptURL: (url) => {
    const full = new URL(url, location.href);
    if (full.origin !== location.origin) throw new TypeError("scripts come from this origin only");
    return full.href;
  },
};

const policy = factory?.createPolicy("conclave", rules) ?? rules;

/** Markup written in this program's own source (compiled templates); never give it anything that came from outside. */
export const ownMarkup = (markup: string): string => policy.createHTML(markup);

/** URL of a worker of this build, fit for `new Worker(…)`. Throws for another origin. */
export const ownScript = (url: string): string => policy.createScriptURL(url);
