export default function Page() {
  return <h1>artifact</h1>;
}
