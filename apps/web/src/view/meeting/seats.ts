// In which order people stand on the stage. Pure, so that it can be tested.

interface Person {
  identity: string;
  name: string;
}

export interface Seat extends Person {
  /** Nobody sits there now. */
  empty: boolean;
}

/** Empty seats that are kept. */
const most = 200;

/**
 * By the time of first coming. Who must join anew has a new identity, and so has everybody after a restart of the server: who comes under
 * a name that left gets its seat. A name is a claim, so nothing but the place may follow from it.
 */
export const takeSeats = (before: readonly Seat[], people: readonly Person[]): Seat[] => {
  const inside = new Map(people.map((person) => [person.identity, person]));
  const seats = before.map(({ identity, name }) => ({ identity, name: inside.get(identity)?.name ?? name, empty: !inside.has(identity) }));
  const seated = new Set(before.map(({ identity }) => identity));
  for (const { identity, name } of people) {
    if (seated.has(identity)) continue;
    const free = seats.findIndex((seat) => seat.empty && seat.name === name);
    if (free < 0) seats.push({ identity, name, empty: false });
    else seats[free] = { identity, name, empty: false };
  }
  let over = seats.filter(({ empty }) => empty).length - most;
  return over > 0 ? seats.filter(({ empty }) => !(empty && over-- > 0)) : seats;
};

/** `people` in the order of their seats. */
export const bySeat = <P extends Person>(seats: readonly Seat[], people: readonly P[]): P[] => {
  const place = new Map(seats.map(({ identity }, index) => [identity, index]));
  return people.toSorted((a, b) => (place.get(a.identity) ?? Infinity) - (place.get(b.identity) ?? Infinity));
};
