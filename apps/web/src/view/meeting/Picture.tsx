import { createEffect, onCleanup, onMount } from "solid-js";

type Size = { width: number; height: number } | null;

/** When the first frame of what the element now shows was drawn. A machine that is short of time has the frame seconds earlier than it draws it. */
const whenDrawn = (video: HTMLVideoElement, then: () => void): void => {
  if ("requestVideoFrameCallback" in HTMLVideoElement.prototype) video.requestVideoFrameCallback(then);
  else (video as HTMLElement).addEventListener("loadeddata", then, { once: true });
};

/** A moving picture without sound. Tells how large it is drawn, null while it is out of sight, and whether a first frame was drawn. */
export const Picture = (props: { stream: MediaStream; onSize?: (size: Size) => void; onDrawn?: (drawn: boolean) => void; identity?: string; source?: string }) => {
  let video: HTMLVideoElement | undefined;
  createEffect(() => {
    if (!video) return;
    video.muted = true;
    video.srcObject = props.stream;
    whenDrawn(video, () => props.onDrawn?.(true));
    // Refused only while the element is being replaced; autoplay takes it up again.
    video.play().catch(() => undefined);
  });
  onMount(() => {
    const element = video;
    const tell = props.onSize;
    if (!element || !tell) return;
    let seen = true;
    const report = () => tell(seen && element.clientWidth > 0 ? { width: element.clientWidth, height: element.clientHeight } : null);
    const resized = new ResizeObserver(report);
    const crossed = new IntersectionObserver((entries) => {
      seen = entries.at(-1)?.isIntersecting ?? seen;
      report();
    });
    resized.observe(element);
    crossed.observe(element);
    onCleanup(() => {
      resized.disconnect();
      crossed.disconnect();
      tell(null);
    });
  });
  onCleanup(() => {
    if (video) video.srcObject = null;
    props.onDrawn?.(false);
  });
  return <video ref={(element) => (video = element)} autoplay playsinline disablepictureinpicture data-identity={props.identity} data-source={props.source} aria-hidden="true" />;
};
