import { Show } from "solid-js";
import type { MediaState } from "../../api.ts";
import { strings } from "../strings.ts";

/** What was blocked, and a picture of where to allow it. */
export const Help = (props: { media: MediaState }) => {
  const blocked = () => {
    const camera = props.media.camera === "denied";
    const microphone = props.media.microphone === "denied";
    if (camera && microphone) return strings.prejoin.blocked.both;
    if (camera) return strings.prejoin.blocked.camera;
    return microphone ? strings.prejoin.blocked.microphone : null;
  };
  return (
    <Show when={blocked()}>
      <div class="help" role="status">
        <svg class="where" viewBox="0 0 148 92" fill="none" stroke="currentColor" role="img" aria-label={strings.prejoin.picture}>
          <rect x="2" y="2" width="144" height="24" rx="12" opacity="0.5" />
          <circle cx="16" cy="14" r="8.5" fill="var(--accent-soft)" stroke="var(--accent)" stroke-width="2" />
          <path d="M12 11.5h5M19.5 11.5h.6M12 16.5h.6M15 16.5h5" stroke="var(--accent)" stroke-linecap="round" />
          <path d="M34 14h62" opacity="0.45" stroke-width="4" stroke-linecap="round" />
          <rect x="8" y="32" width="104" height="56" rx="8" fill="var(--surface)" />
          <path d="M34 50h30M34 72h24" opacity="0.45" stroke-width="4" stroke-linecap="round" />
          <rect x="17" y="46" width="8" height="8" rx="2" />
          <path d="m25 49 4-2v6l-4-2" />
          <rect x="19" y="65" width="5" height="9" rx="2.5" />
          <path d="M16.500 71a5 5 0 0 0 10 0M21.500 76v3" />
          <rect x="82" y="44" width="22" height="12" rx="6" fill="var(--accent)" stroke="none" />
          <circle cx="98" cy="50" r="4" fill="var(--surface)" stroke="none" />
          <rect x="82" y="66" width="22" height="12" rx="6" fill="var(--accent)" stroke="none" />
          <circle cx="98" cy="72" r="4" fill="var(--surface)" stroke="none" />
        </svg>
        <div>
          <h2>{blocked()}</h2>
          <p>{strings.prejoin.allow}</p>
        </div>
      </div>
    </Show>
  );
};
