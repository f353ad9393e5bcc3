export default function Page() {
  return <h1>earnings</h1>;
}
