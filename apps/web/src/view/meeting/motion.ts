/** How tiles move to another place. */
export const motion = { duration: 180, easing: "cubic-bezier(0.2, 0, 0, 1)" };
