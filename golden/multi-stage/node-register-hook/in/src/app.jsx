export const page = <p>ready</p>;
