import type { Conclave } from "../contract.ts";

export const App = (props: { conclave: Conclave }) => <p>{props.conclave.origin.host}</p>;
