import { createMemo, onMount } from "solid-js";
import { encodeQR } from "qr";

/** Dark on white in every scheme, with the margin of the standard: cameras expect both. */
export const QrPicture = (props: { text: string; label: string }) => {
  let picture: SVGSVGElement | undefined;
  onMount(() => picture?.scrollIntoView({ block: "nearest" }));
  const modules = createMemo(() => encodeQR(props.text, "raw", { ecc: "medium", border: 4 }));
  const path = () => modules().flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : []))).join("");
  return (
    <svg ref={(element) => (picture = element)} class="code-picture" viewBox={`0 0 ${modules().length} ${modules().length}`} role="img" aria-label={props.label} shape-rendering="crispEdges">
      <rect width="100%" height="100%" fill="#fff" />
      <path d={path()} fill="#000" />
    </svg>
  );
};
