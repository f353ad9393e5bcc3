export default function Page() {
  return <h1>ledger</h1>;
}
